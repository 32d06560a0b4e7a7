#include "data/pair_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <utility>

#include "data/damage.hpp"
#include "data/list_lines.hpp"
#include "data/unicode.hpp"

namespace fairsweep {
namespace {

constexpr std::uint32_t kMaxImageNumber = 9'999'999;
constexpr std::size_t kMaxPathBytes = 4096;

constexpr const char* kRfwForm = "`id i j` for the same person or `id1 i id2 j` for different ones";
constexpr const char* kBothForms = "`id i j` (same person) or `id1 i id2 j` (different), or `path path 1` or `path path 0`";

enum class Form { rfw, labelled };

std::optional<std::uint64_t> whole_number(std::string_view field) {
    std::uint64_t number = 0;
    const auto result = std::from_chars(field.data(), field.data() + field.size(), number);
    if (result.ec != std::errc() || result.ptr != field.data() + field.size()) return std::nullopt;
    return number;
}

std::uint32_t image_number(const ListLine& line, std::string_view field) {
    const auto number = whole_number(field);
    if (!number || *number > kMaxImageNumber)
        line.damaged("cannot read a pair", "the image number '" + shown_text(field) + "'",
                     fmt::format("0 .. {}", kMaxImageNumber));
    return static_cast<std::uint32_t>(*number);
}

PairLine rfw_pair(const ListLine& line) {
    const auto& fields = line.fields;
    PairLine pair;
    pair.genuine = fields.size() == 3;
    pair.identity_a = checked_name(line, fields[0]);
    pair.number_a = image_number(line, fields[1]);
    pair.identity_b = pair.genuine ? pair.identity_a : checked_name(line, fields[2]);
    pair.number_b = image_number(line, fields.back());
    pair.line = line.number;
    return pair;
}

std::string checked_path(const ListLine& line, std::string_view field) {
    std::string path(field);
    std::ranges::replace(path, '\\', '/');
    if (path.size() > kMaxPathBytes || path.ends_with('/') || path.find('\0') != std::string::npos)
        line.damaged("cannot read a pair", "the path '" + shown_text(field) + "'", "the path of an image");
    return path;
}

/// Three fields whose second is no number are two images and a label; all else is RFW's form.
Form form_of(const ListLine& line) {
    return line.fields.size() == 3 && !whole_number(line.fields[1]) ? Form::labelled : Form::rfw;
}

LabelledPairLine labelled_pair(const ListLine& line) {
    const std::string_view label = line.fields[2];
    if (label != "0" && label != "1")
        line.damaged("cannot read a pair", fmt::format("'{}' after two images", shown_text(label)),
                     "1 for the same person or 0 for different ones; or, in RFW's form, " + std::string(kRfwForm),
                     label == "-1" ? "write 0 for -1" : "");
    return {.path_a = checked_path(line, line.fields[0]),
            .path_b = checked_path(line, line.fields[1]),
            .genuine = label == "1",
            .line = line.number};
}

/// LFW's lists begin with the numbers of folds and pairs.
bool is_line_of_counts(const ListLine& line) {
    return line.fields.size() <= 2 &&
           std::ranges::all_of(line.fields, [](auto field) { return whole_number(field).has_value(); });
}

/// "name,imagenum1,imagenum2": words of the trade, but for digits and a last a or b.
bool is_line_of_column_names(const ListLine& line) {
    constexpr std::array kWords{"name", "person", "identity", "id",    "image", "img",    "imagenum", "number", "num",
                                "path", "file",   "filename", "label", "same",  "issame", "genuine",  "match",  "pair"};
    return std::ranges::all_of(line.fields, [&kWords](std::string_view field) {
        std::string word;
        for (const char c : field)
            if (c >= 'A' && c <= 'Z')
                word += static_cast<char>(c + 32);
            else if (c >= 'a' && c <= 'z')
                word += c;
        const auto is_known = [&kWords](std::string_view w) { return std::ranges::find(kWords, w) != kWords.end(); };
        if (is_known(word)) return true;
        return (word.ends_with('a') || word.ends_with('b')) && is_known(std::string_view(word).substr(0, word.size() - 1));
    });
}

class ListReader {
public:
    [[nodiscard]] PairList read(std::string_view text, const std::filesystem::path& path, FieldSeparator separator) {
        for_each_list_line(text, path, separator, [this](const ListLine& line) {
            if (!std::exchange(is_first_, false) || !skip(line)) add(line);
        });
        return std::move(list_);
    }

private:
    bool skip(const ListLine& line) {
        if (is_line_of_column_names(line)) return true;
        if (!is_line_of_counts(line)) return false;
        if (line.fields.size() == 2) {
            const std::uint64_t folds = *whole_number(line.fields[0]);
            const std::uint64_t each = *whole_number(line.fields[1]);
            if (folds <= 1000 && each <= kMaxImageNumber) list_.promised = 2 * folds * each;
        }
        return true;
    }

    void add(const ListLine& line) {
        if (line.fields.size() != 3 && line.fields.size() != 4)
            line.damaged("cannot read a pair", fmt::format("{} fields: {}", line.fields.size(), line.shown()), kBothForms);
        const Form form = form_of(line);
        if (!form_) form_ = form;
        if (form != *form_)
            line.damaged("cannot read a pair", fmt::format("another form than in the lines before: {}", line.shown()),
                         kBothForms);
        if (form == Form::rfw)
            list_.pairs.push_back(rfw_pair(line));
        else
            list_.labelled.push_back(labelled_pair(line));
    }

    PairList list_;
    std::optional<Form> form_;
    bool is_first_ = true;
};

/// The first line that two readings of a list take for different pairs; 0: they agree.
std::uint32_t first_difference(const PairList& a, const PairList& b) {
    const auto key = [](const PairLine& p) {
        return std::tie(p.line, p.identity_a, p.number_a, p.identity_b, p.number_b, p.genuine);
    };
    for (std::size_t i = 0; i < std::min(a.pairs.size(), b.pairs.size()); ++i)
        if (key(a.pairs[i]) != key(b.pairs[i])) return a.pairs[i].line;
    const auto path_key = [](const LabelledPairLine& p) { return std::tie(p.line, p.path_a, p.path_b, p.genuine); };
    for (std::size_t i = 0; i < std::min(a.labelled.size(), b.labelled.size()); ++i)
        if (path_key(a.labelled[i]) != path_key(b.labelled[i])) return a.labelled[i].line;
    return a.pairs.size() == b.pairs.size() && a.labelled.size() == b.labelled.size() ? 0 : 1;
}

/// What the text holds of each separator decides which are tried; blanks always are.
std::vector<FieldSeparator> separators_in(std::string_view text) {
    std::vector<FieldSeparator> found;
    if (text.find('\t') != std::string_view::npos) found.push_back(FieldSeparator::tab);
    if (text.find(',') != std::string_view::npos) found.push_back(FieldSeparator::comma);
    if (text.find(';') != std::string_view::npos) found.push_back(FieldSeparator::semicolon);
    found.push_back(FieldSeparator::blanks);
    return found;
}

struct Reading {
    FieldSeparator separator;
    PairList list;
};

/// All ways to read the text. Without one the error of the attempt that came farthest: it has the right separator.
std::vector<Reading> readings_of(std::string_view text, const std::filesystem::path& path) {
    std::vector<Reading> readings;
    std::optional<DamagedFile> farthest;
    for (const FieldSeparator separator : separators_in(text)) {
        try {
            readings.push_back({separator, ListReader().read(text, path, separator)});
        } catch (const DamagedFile& error) {
            if (!farthest || error.spot().line > farthest->spot().line) farthest.emplace(error);
        }
    }
    if (readings.empty()) throw DamagedFile(*farthest);
    return readings;
}

PairList read_list(std::string_view text, const std::filesystem::path& path) {
    std::vector<Reading> readings = readings_of(text, path);
    for (std::size_t i = 1; i < readings.size(); ++i) {
        const std::uint32_t line = first_difference(readings[0].list, readings[i].list);
        if (line == 0) continue;
        throw_damaged({.file = path, .offset = {}, .line = line},
                      {.attempted = "cannot read a list of pairs",
                       .found = fmt::format("one pair with {} between the fields, and another with {}",
                                            name_of(readings[0].separator), name_of(readings[i].separator)),
                       .expected = "one way to read it",
                       .hint = "write commas between the fields of all lines"});
    }
    return std::move(readings[0].list);
}

}  // namespace

PairList parse_pair_list(std::string_view text, const std::filesystem::path& path) {
    PairList list = read_list(text, path);
    if (list.pairs.empty() && list.labelled.empty())
        throw_damaged({.file = path, .offset = {}, .line = {}},
                      {.attempted = "cannot read a list of pairs", .found = "no pair", .expected = kBothForms});
    return list;
}

std::vector<PairLine> parse_pairs(std::string_view text, const std::filesystem::path& path) {
    PairList list = read_list(text, path);
    if (!list.labelled.empty())
        throw_damaged({.file = path, .offset = {}, .line = list.labelled[0].line},
                      {.attempted = "cannot read a pair",
                       .found = "two paths and a label: " + shown_text(list.labelled[0].path_a),
                       .expected = kRfwForm,
                       .hint = "such lists are read by fairsweep evaluate --embeddings E.h5 --pairs " + path.string()});
    return std::move(list.pairs);
}

void refuse_contradictions(const std::vector<PairLine>& pairs, const std::filesystem::path& path) {
    for (const PairLine& pair : pairs) {
        if (pair.genuine || pair.identity_a != pair.identity_b) continue;
        const std::string name = shown_text(pair.identity_a);
        throw_damaged({.file = path, .offset = {}, .line = pair.line},
                      {.attempted = "a pair of different people names one person twice",
                       .found = fmt::format("{} {} {} {}", name, pair.number_a, name, pair.number_b),
                       .expected = kRfwForm,
                       .hint = fmt::format("if it is one person: {} {} {}; if not, one of the names is wrong", name,
                                           pair.number_a, pair.number_b)});
    }
}

std::string image_stem(const std::string& identity, std::uint32_t number) { return fmt::format("{}_{:04}", identity, number); }

}  // namespace fairsweep
