#include "data/score_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "data/damage.hpp"
#include "data/pickle.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr std::uint32_t kFoldsWanted = 10;
constexpr std::size_t kMaxColumns = 1000;

enum Column : std::size_t { kGroup, kSame, kScore, kIdentityA, kIdentityB, kFold, kColumns };
constexpr std::array<const char*, kColumns> kNames{"group", "same", "score", "identity_a", "identity_b", "fold"};

/// Numbers for names, in the order of first use.
class Numbering {
public:
    std::uint32_t of(const std::string& name) {
        return numbers_.try_emplace(name, static_cast<std::uint32_t>(numbers_.size())).first->second;
    }
    [[nodiscard]] std::size_t size() const { return numbers_.size(); }

private:
    std::unordered_map<std::string, std::uint32_t> numbers_;
};

struct ScoredPair {
    std::uint32_t group = 0;
    std::uint32_t fold = 0;
    std::uint32_t identity_a = 0;
    std::uint32_t identity_b = 0;
    bool genuine = false;
    double score = 0.0;
};

class CsvReader {
public:
    CsvReader(std::string_view text, const std::filesystem::path& path) : rest_(text), path_(path) {}

    /// The fields of the next line that is not empty; false at the end.
    bool next(std::vector<std::string>& fields) {
        while (!rest_.empty()) {
            line_ += 1 + breaks_;
            breaks_ = 0;
            fields.clear();
            read_line(fields);
            if (fields.size() > 1 || !fields[0].empty()) return true;
        }
        return false;
    }

    [[noreturn]] void refuse(const std::string& found, const std::string& expected) const {
        throw_damaged(
            {.file = path_, .offset = {}, .line = line_},
            {.attempted = "cannot read a table of scores", .where = {}, .found = found, .expected = expected, .hint = {}});
    }

private:
    void read_line(std::vector<std::string>& fields) {
        while (true) {
            if (fields.size() == kMaxColumns) refuse(fmt::format("more than {} fields", kMaxColumns), "a table");
            const bool is_quoted = rest_.starts_with('"');
            fields.push_back(is_quoted ? quoted_field() : plain_field());
            if (rest_.starts_with(',')) {
                rest_.remove_prefix(1);
                continue;
            }
            if (rest_.starts_with("\r\n"))
                rest_.remove_prefix(2);
            else if (rest_.starts_with('\n') || rest_.starts_with('\r'))
                rest_.remove_prefix(1);
            else if (!rest_.empty())
                refuse("text after a closing quote", "a comma or the end of the line");
            return;
        }
    }

    std::string plain_field() {
        const std::size_t end = std::min(rest_.find_first_of(",\r\n"), rest_.size());
        const std::string field(trim(rest_.substr(0, end)));
        rest_.remove_prefix(end);
        return field;
    }

    std::string quoted_field() {
        std::string field;
        rest_.remove_prefix(1);
        while (true) {
            const std::size_t end = rest_.find('"');
            if (end == std::string_view::npos) refuse("a quote that is not closed", "a closing quote");
            field += rest_.substr(0, end);
            breaks_ +=
                static_cast<std::uint64_t>(std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
            rest_.remove_prefix(end + 1);
            if (!rest_.starts_with('"')) return field;
            field += '"';
            rest_.remove_prefix(1);
        }
    }

    std::string_view rest_;
    const std::filesystem::path& path_;
    std::uint64_t line_ = 0;    ///< where the record being read begins
    std::uint64_t breaks_ = 0;  ///< line ends inside its quoted fields
};

/// Where each column is in a line.
using Places = std::array<std::optional<std::size_t>, kColumns>;

Places find_columns(const std::vector<std::string>& header, const CsvReader& reader) {
    Places places;
    for (std::size_t column = 0; column < kColumns; ++column) {
        const auto found = std::find(header.begin(), header.end(), kNames[column]);
        if (found == header.end()) continue;
        if (std::count(header.begin(), header.end(), kNames[column]) > 1)
            reader.refuse(fmt::format("two columns {}", kNames[column]), "one");
        places[column] = static_cast<std::size_t>(found - header.begin());
    }
    for (const Column column : {kGroup, kSame, kScore})
        if (!places[column])
            reader.refuse(fmt::format("no column {}", kNames[column]), "a first line with group, same and score");
    if (places[kIdentityA].has_value() != places[kIdentityB].has_value())
        reader.refuse("one of identity_a and identity_b", "both or none");
    return places;
}

bool parse_same(const std::string& text, const CsvReader& reader) {
    std::string lower = text;
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (lower == "1" || lower == "true" || lower == "yes") return true;
    if (lower == "0" || lower == "false" || lower == "no") return false;
    reader.refuse("same = '" + printable(text) + "'", "1, true, yes, 0, false or no");
}

double parse_score(const std::string& text, const CsvReader& reader) {
    double value = 0.0;
    const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
    const auto result = std::from_chars(begin, text.data() + text.size(), value);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size() || !std::isfinite(value))
        reader.refuse("score = '" + printable(text) + "'", "a finite number");
    return value;
}

class ScoreTable {
public:
    explicit ScoreTable(CsvReader& reader) : reader_(reader) {}

    [[nodiscard]] ScoreList read() {
        std::vector<std::string> fields;
        if (!reader_.next(fields)) reader_.refuse("an empty file", "a first line with group, same and score");
        if (fields[0].starts_with("\xef\xbb\xbf")) fields[0].erase(0, 3);  // byte order mark
        const std::size_t columns = fields.size();
        const Places places = find_columns(fields, reader_);
        while (reader_.next(fields)) {
            if (fields.size() != columns)
                reader_.refuse(fmt::format("{} fields", fields.size()), fmt::format("{}, as in the first line", columns));
            add(fields, places);
        }
        if (pairs_.empty()) reader_.refuse("no scores", "one line per pair");
        list_.identities_known = places[kIdentityA].has_value();
        if (places[kFold]) number_folds();
        fill();
        return std::move(list_);
    }

private:
    void add(const std::vector<std::string>& fields, const Places& places) {
        const auto text = [&](Column column) -> const std::string& { return fields[*places[column]]; };
        ScoredPair pair;
        if (text(kGroup).empty()) reader_.refuse("an empty group", "a name");
        pair.group = groups_.of(text(kGroup));
        if (groups_.size() > list_.pairs.groups.size()) list_.pairs.groups.push_back(text(kGroup));
        pair.genuine = parse_same(text(kSame), reader_);
        pair.score = parse_score(text(kScore), reader_);
        if (places[kIdentityA]) {
            pair.identity_a = identities_.of(text(kIdentityA));
            pair.identity_b = identities_.of(text(kIdentityB));
            if ((pair.identity_a == pair.identity_b) != pair.genuine) ++list_.contradictions;
        } else {
            pair.identity_a = next_person_++;
            pair.identity_b = pair.genuine ? pair.identity_a : next_person_++;
        }
        if (places[kFold]) fold_names_.push_back(text(kFold));
        pairs_.push_back(pair);
    }

    void number_folds() {
        std::vector<Numbering> folds(groups_.size());
        for (std::size_t p = 0; p < pairs_.size(); ++p) pairs_[p].fold = folds[pairs_[p].group].of(fold_names_[p]);
        for (std::size_t g = 0; g < folds.size(); ++g)
            if (folds[g].size() != kFoldsWanted)
                reader_.refuse(fmt::format("{} folds in group {}", folds[g].size(), printable(list_.pairs.groups[g])), "ten");
    }

    void fill() {
        std::ranges::stable_sort(pairs_, {}, [](const ScoredPair& pair) { return std::pair(pair.group, pair.fold); });
        list_.pairs.group_begin.assign(groups_.size() + 1, 0);
        for (const ScoredPair& pair : pairs_) {
            ++list_.pairs.group_begin[pair.group + 1];
            list_.pairs.genuine.push_back(pair.genuine ? 1 : 0);
            list_.pairs.identity_a.push_back(pair.identity_a);
            list_.pairs.identity_b.push_back(pair.identity_b);
            list_.scores.push_back(pair.score);
            if (!fold_names_.empty()) list_.folds.push_back(pair.fold);
        }
        std::partial_sum(list_.pairs.group_begin.begin(), list_.pairs.group_begin.end(), list_.pairs.group_begin.begin());
    }

    CsvReader& reader_;
    ScoreList list_;
    std::vector<ScoredPair> pairs_;
    std::vector<std::string> fold_names_;  ///< [pairs] in file order
    Numbering groups_, identities_;
    std::uint32_t next_person_ = 0;
};

}  // namespace

ScoreList parse_score_csv(std::string_view text, const std::filesystem::path& path) {
    CsvReader reader(text, path);
    return ScoreTable(reader).read();
}

}  // namespace fairsweep
