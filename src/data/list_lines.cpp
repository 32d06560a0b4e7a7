#include "data/list_lines.hpp"

#include <algorithm>

#include "data/damage.hpp"
#include "data/numbering.hpp"
#include "data/unicode.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kMaxFields = 16;  // more than any line has: the rest is not looked at
constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view separators_of(FieldSeparator separator) {
    switch (separator) {
        case FieldSeparator::tab:
            return "\t";
        case FieldSeparator::comma:
            return ",";
        case FieldSeparator::semicolon:
            return ";";
        case FieldSeparator::blanks:
            break;
    }
    return kBlanks;
}

std::string_view without_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

void split_fields(std::string_view text, std::string_view separators, std::vector<std::string_view>& fields) {
    fields.clear();
    for (std::size_t at = 0; at <= text.size() && fields.size() < kMaxFields;) {
        const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
        const std::string_view field = without_blanks(text.substr(at, end - at));
        if (!field.empty()) fields.push_back(field);
        at = end + 1;
    }
}

}  // namespace

const char* name_of(FieldSeparator separator) {
    switch (separator) {
        case FieldSeparator::tab:
            return "TABs";
        case FieldSeparator::comma:
            return "commas";
        case FieldSeparator::semicolon:
            return "semicolons";
        case FieldSeparator::blanks:
            break;
    }
    return "blanks";
}

void ListLine::damaged(std::string attempted, std::string found, std::string expected, std::string hint) const {
    throw_damaged(
        {.file = path, .offset = {}, .line = number},
        {.attempted = std::move(attempted), .found = std::move(found), .expected = std::move(expected), .hint = std::move(hint)});
}

std::string ListLine::shown() const { return shown_text(text); }

void for_each_list_line(std::string_view text, const std::filesystem::path& path, FieldSeparator separator,
                        const std::function<void(const ListLine&)>& take) {
    if (looks_like_utf16(text))
        throw_damaged({.file = path, .offset = {}, .line = {}}, {.attempted = "cannot read a list",
                                                                 .found = "text in UTF-16",
                                                                 .expected = "UTF-8",
                                                                 .hint = "iconv -f UTF-16 -t UTF-8 OLD > NEW"});
    text = without_byte_order_mark(text);
    ListLine line{.path = path, .number = 0, .text = {}, .fields = {}};
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        ++line.number;
        line.text = trim(text.substr(begin, end - begin));
        split_fields(line.text, separators_of(separator), line.fields);
        if (!line.fields.empty()) take(line);
        begin = end + 1;
    }
}

std::string checked_name(const ListLine& line, std::string_view name) {
    if (name.empty() || name == "." || name == ".." || name.size() > kMaxNameBytes ||
        name.find_first_of(std::string_view("/\\\0", 3)) != std::string_view::npos)
        line.damaged("cannot read a line of a verification set", "the name '" + shown_text(name) + "'",
                     "the name of a folder or file");
    return std::string(name);
}

}  // namespace fairsweep
