#include "data/score_columns.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data/unicode.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

const std::array<std::string, kScoreColumns> kNames{"group", "same", "score", "identity_a", "identity_b", "fold"};

/// What others call the columns that there must be; for hints only.
const std::array<std::vector<std::string>, 3> kOtherNames{{
    {"race", "ethnicity", "demographic", "demographics", "subgroup", "cohort", "category", "attribute"},
    {"label", "is_same", "issame", "genuine", "match", "is_match", "target", "y", "y_true", "ground_truth", "gt"},
    {"similarity", "sim", "cosine", "cos", "cosine_similarity", "pred", "y_score", "distance", "dist"},
}};

/// The places of a name, in its own case or, where there is none, in any.
std::vector<std::size_t> places_of(const std::string& name, const std::vector<std::string>& header) {
    std::vector<std::size_t> exact, any_case;
    for (std::size_t i = 0; i < header.size(); ++i) {
        if (header[i] == name) exact.push_back(i);
        if (lower_case(header[i]) == lower_case(name)) any_case.push_back(i);
    }
    return exact.empty() ? any_case : exact;
}

const std::string& name_in_file(std::size_t column, const ColumnNames& names) {
    const auto given = names.find(kNames[column]);
    return given == names.end() ? kNames[column] : given->second;
}

std::string list_of(const std::vector<std::string>& header) {
    std::vector<std::string> shown;
    for (const std::string& name : header) shown.push_back(shown_text(name));
    return fmt::format("{}", fmt::join(shown, ", "));
}

/// The option that would read the file, with what its columns are usually called or a word to replace.
std::string columns_hint(const std::vector<std::string>& header, const ColumnPlaces& places, const ColumnNames& names) {
    std::vector<std::string> parts;
    bool is_distance = false;
    for (const auto& [ours, theirs] : names) parts.push_back(ours + "=" + theirs);
    for (std::size_t column = 0; column < kOtherNames.size(); ++column) {
        if (places[column] || names.contains(kNames[column])) continue;
        const auto known = std::ranges::find_if(header, [&](const std::string& name) {
            return std::ranges::find(kOtherNames[column], lower_case(name)) != kOtherNames[column].end();
        });
        is_distance = is_distance || (column == kScore && known != header.end() && lower_case(*known).starts_with("dist"));
        parts.push_back(kNames[column] + "=" + (known == header.end() ? "COLUMN" : *known));
    }
    return fmt::format("say which columns they are: --columns {}{}", fmt::join(parts, ","), is_distance ? " --distance" : "");
}

[[noreturn]] void refuse_header(const CsvReader& reader, const std::vector<std::string>& header, const ColumnPlaces& places,
                                const ColumnNames& names) {
    std::string missing;
    for (const std::size_t column : {kGroup, kSame, kScore})
        if (!places[column]) missing += (missing.empty() ? "" : ", ") + name_in_file(column, names);
    reader.refuse(fmt::format("no column {} in the first line: {}", missing, list_of(header)),
                  "a first line with group, same and score", columns_hint(header, places, names));
}

ColumnPlaces find_columns(const std::vector<std::string>& header, const ColumnNames& names, const CsvReader& reader) {
    ColumnPlaces places;
    for (std::size_t column = 0; column < kScoreColumns; ++column) {
        const std::string& name = name_in_file(column, names);
        if (name.empty()) continue;
        const auto found = places_of(name, header);
        if (found.size() > 1) reader.refuse(fmt::format("two columns {}", name), "one");
        if (!found.empty()) places[column] = found[0];
        if (found.empty() && column > kScore && names.contains(kNames[column]))
            reader.refuse(fmt::format("no column {} in the first line: {}", name, list_of(header)),
                          "the column for " + kNames[column]);
    }
    return places;
}

}  // namespace

ColumnNames parse_column_names(const std::string& text) {
    ColumnNames names;
    for (const std::string& part : split(text, ',')) {
        const std::size_t equals = part.find('=');
        const std::string ours = lower_case(trim(std::string_view(part).substr(0, equals)));
        const bool is_known = std::ranges::find(kNames, ours) != kNames.end();
        const std::vector<std::string> all(kNames.begin(), kNames.end());
        const std::string near = nearest_word(ours, all);
        const bool is_whole = equals != std::string::npos && is_known && !names.contains(ours);
        const std::string theirs = is_whole ? std::string(trim(std::string_view(part).substr(equals + 1))) : "";
        const bool must_be_there = ours == kNames[kGroup] || ours == kNames[kSame] || ours == kNames[kScore];
        if (!is_whole || (theirs.empty() && must_be_there))
            throw_usage({.attempted = "cannot use --columns",
                         .found = part,
                         .expected = fmt::format("NAME=COLUMN, once for each NAME: {}", fmt::join(kNames, ", ")),
                         .hint = is_known || near.empty() ? "--columns group=race,same=label" : "did you mean " + near + "?"});
        names[ours] = theirs;
    }
    return names;
}

ScoreHeader read_score_header(CsvReader& reader, const ColumnNames& names) {
    std::vector<std::string> header;
    if (!reader.next(header)) reader.refuse_file("an empty file", "a first line with group, same and score");
    const ColumnPlaces places = find_columns(header, names, reader);
    if (!places[kGroup] || !places[kSame] || !places[kScore]) refuse_header(reader, header, places, names);
    if (places[kIdentityA].has_value() != places[kIdentityB].has_value())
        reader.refuse("one of identity_a and identity_b", "both or none");
    return {header.size(), places};
}

}  // namespace fairsweep
