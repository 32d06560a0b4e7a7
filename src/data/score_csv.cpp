#include "data/score_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "data/csv_reader.hpp"
#include "data/numbering.hpp"
#include "data/unicode.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kMostFolds = 100;

/// How many lines, and the first of them; for warnings.
struct Lines {
    std::uint64_t count = 0;
    std::uint64_t first = 0;

    void add(std::uint64_t line) {
        if (count++ == 0) first = line;
    }
    [[nodiscard]] std::string text(const char* what) const {
        return count == 1 ? fmt::format("1 {} (line {})", what, first)
                          : fmt::format("{} {}s (first: line {})", count, what, first);
    }
};

struct ScoredPair {
    std::uint32_t group = 0;
    std::uint32_t fold = 0;
    std::uint32_t identity_a = 0;
    std::uint32_t identity_b = 0;
    bool genuine = false;
    double score = 0.0;
    std::uint64_t line = 0;
};

std::optional<double> number_in(const std::string& text) {
    double value = 0.0;
    const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
    const auto result = std::from_chars(begin, text.data() + text.size(), value);
    const bool is_whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
    return is_whole ? std::optional(value) : std::nullopt;
}

bool is_one_of(const std::string& text, std::span<const std::string_view> words) {
    return std::ranges::find(words, lower_case(text)) != words.end();
}

bool parse_same(const std::string& text, const CsvReader& reader) {
    constexpr std::array<std::string_view, 8> kYes{"true", "t", "yes", "y", "genuine", "same", "match", "positive"};
    constexpr std::array<std::string_view, 11> kNo{"false",     "f",        "no",        "n",        "impostor", "imposter",
                                                   "different", "nonmatch", "non-match", "mismatch", "negative"};
    if (is_one_of(text, kYes)) return true;
    if (is_one_of(text, kNo)) return false;
    const std::optional<double> number = number_in(text);
    if (number == 1.0) return true;
    if (number == 0.0) return false;
    reader.refuse("same = '" + shown_text(text) + "'", "1 or 0, true or false, yes or no, genuine or impostor, same or different",
                  number == -1.0 ? "write 0 for different people" : "");
}

double parse_score(const std::string& text, const CsvReader& reader) {
    const std::optional<double> value = number_in(text);
    if (value && std::isfinite(*value)) return *value;
    try {
        reader.refuse("score = '" + shown_text(text) + "'", "a finite number",
                      text.find(',') != std::string::npos ? "write decimal points, not commas" : "");
    } catch (const Error& error) {
        if (value) throw NonFiniteScore(error);
        throw;
    }
}

class ScoreTable {
public:
    ScoreTable(CsvReader& reader, const ScoreHeader& header)
        : reader_(reader), columns_(header.columns), places_(header.places), has_identities_(places_[kIdentityA].has_value()) {}

    [[nodiscard]] ScoreList read() {
        std::vector<std::string> fields;
        while (reader_.next(fields)) {
            if (fields.size() != columns_)
                reader_.refuse(fmt::format("{} fields", fields.size()), fmt::format("{}, as in the first line", columns_));
            add(fields);
        }
        if (pairs_.empty()) reader_.refuse("no scores", "one line per pair");
        list_.identities_known = has_identities_ && without_identity_.count < pairs_.size();
        if (places_[kFold]) number_folds();
        fill();
        add_warnings();
        return std::move(list_);
    }

private:
    void add(const std::vector<std::string>& fields) {
        const auto text = [&](ScoreColumn column) -> const std::string& { return fields[*places_[column]]; };
        ScoredPair pair;
        pair.group = group_number(text(kGroup));
        pair.genuine = parse_same(text(kSame), reader_);
        pair.score = parse_score(text(kScore), reader_);
        pair.line = reader_.line();
        if (has_identities_) {
            set_people(pair, text(kIdentityA), text(kIdentityB));
        } else {
            pair.identity_a = people_.nobody();
            pair.identity_b = pair.genuine ? pair.identity_a : people_.nobody();
        }
        if (places_[kFold]) {
            if (text(kFold).empty()) reader_.refuse("an empty fold", "a name or number");
            fold_names_.push_back(text(kFold));
        }
        const bool lacks_identity = has_identities_ && (is_no_name(text(kIdentityA)) || is_no_name(text(kIdentityB)));
        if (!lacks_identity && !lines_.insert(std::hash<std::string>()(fmt::format("{}", fmt::join(fields, "\n")))).second)
            repeated_.add(reader_.line());
        pairs_.push_back(pair);
    }

    std::uint32_t group_number(const std::string& text) {
        if (text.empty() || text == "nan" || text == "NaN" || text == "<NA>")
            reader_.refuse(text.empty() ? "an empty group" : "the group " + text, "a name");
        const std::optional<std::string> name = composed_text(text);
        if (!name) reader_.refuse("the group '" + shown_text(text) + "'", "text in UTF-8", "iconv -f latin1 -t UTF-8 OLD > NEW");
        const std::uint32_t number = groups_.of(*name);
        if (number == list_.pairs.groups.size()) list_.pairs.groups.push_back(*name);
        return number;
    }

    void set_people(ScoredPair& pair, const std::string& a, const std::string& b) {
        std::optional<std::uint32_t> person_a = person(a), person_b = person(b);
        if (!person_a || !person_b) without_identity_.add(reader_.line());
        if (person_a && person_b && (person_a == person_b) != pair.genuine) contradictions_.add(reader_.line());
        if (pair.genuine && !person_a) person_a = person_b;  // the same person by `same`
        if (pair.genuine && !person_b) person_b = person_a ? person_a : person_a = people_.nobody();
        pair.identity_a = person_a ? *person_a : people_.nobody();
        pair.identity_b = person_b ? *person_b : people_.nobody();
    }

    std::optional<std::uint32_t> person(const std::string& text) {
        return is_no_name(text) ? std::nullopt : std::optional(people_.of(composed_text(text).value_or(text)));
    }

    void number_folds() {
        std::vector<Numbering> folds(groups_.size());
        for (std::size_t p = 0; p < pairs_.size(); ++p) pairs_[p].fold = folds[pairs_[p].group].of(fold_names_[p]);
        for (std::size_t g = 0; g < folds.size(); ++g)
            if (folds[g].size() < 2 || folds[g].size() > kMostFolds)
                reader_.refuse_file(fmt::format("{} folds in group {}", folds[g].size(), list_.pairs.groups[g]),
                                    fmt::format("2 to {}: a fold's threshold is chosen on the others", kMostFolds),
                                    "--columns fold= leaves the column out: ten folds, contiguous in file order");
    }

    void fill() {
        std::ranges::stable_sort(pairs_, {}, [](const ScoredPair& pair) { return std::pair(pair.group, pair.fold); });
        list_.pairs.group_begin.assign(groups_.size() + 1, 0);
        for (const ScoredPair& pair : pairs_) {
            ++list_.pairs.group_begin[pair.group + 1];
            list_.pairs.label.push_back(pair.genuine ? 1 : 0);
            list_.pairs.identity_a.push_back(pair.identity_a);
            list_.pairs.identity_b.push_back(pair.identity_b);
            list_.scores.push_back(pair.score);
            list_.lines.push_back(pair.line);
            if (!fold_names_.empty()) list_.folds.push_back(pair.fold);
        }
        std::partial_sum(list_.pairs.group_begin.begin(), list_.pairs.group_begin.end(), list_.pairs.group_begin.begin());
    }

    void add_warnings() {
        if (contradictions_.count != 0)
            list_.warnings.push_back(
                fmt::format("identities contradict `same` in {}: `same` was taken", contradictions_.text("pair")));
        if (list_.identities_known && without_identity_.count != 0)
            list_.warnings.push_back(
                fmt::format("an identity is missing (empty, nan, NA, None or null) in {}, of {} in all: its person is taken for "
                            "nobody else, so intervals are too narrow where people repeat",
                            without_identity_.text("pair"), pairs_.size()));
        // Without identities, lines are equal where scores are rounded: only a table in which all repeat is odd.
        const bool all_repeat = 2 * repeated_.count >= pairs_.size();
        if (repeated_.count != 0 && (list_.identities_known || all_repeat))
            list_.warnings.push_back(fmt::format(
                "every column is as in an earlier line in {}: the same pairs again count again, and intervals are too narrow",
                repeated_.text("line")));
    }

    CsvReader& reader_;
    std::size_t columns_;
    const ColumnPlaces places_;
    bool has_identities_;
    ScoreList list_;
    std::vector<ScoredPair> pairs_;
    std::vector<std::string> fold_names_;  ///< [pairs] in file order
    Numbering groups_, people_;
    Lines contradictions_, without_identity_, repeated_;
    std::unordered_set<std::size_t> lines_;  ///< hashes
};

}  // namespace

ScoreList parse_score_csv(std::string_view text, const std::filesystem::path& path, const ColumnNames& names) {
    CsvReader reader(text, path, separator_of(text));
    const ScoreHeader header = read_score_header(reader, names);
    return ScoreTable(reader, header).read();
}

}  // namespace fairsweep
