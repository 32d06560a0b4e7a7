#include "job/values.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

std::optional<int> parse_width(std::string_view text) {
    const auto width = parse_integer(text);
    if (!width || !((*width >= 2 && *width <= 16) || *width == 32)) return std::nullopt;
    return static_cast<int>(*width);
}

/// What "VAR" or "VAR:-default" stands for; nothing when undefined.
std::optional<std::string> value_of_variable(const JobEntry& entry, const std::string& inside) {
    const auto separator = inside.find(":-");
    const std::string name = inside.substr(0, separator);
    const bool is_name = !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
                         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
    if (!is_name) refuse_value(entry, "'${" + inside + "}'", "${VARIABLE} or ${VARIABLE:-default}");
    // As in the shell, :- also replaces a variable that is set but empty.
    const char* value = std::getenv(name.c_str());
    if (value != nullptr && *value != '\0') return std::string(value);
    if (separator != std::string::npos) return inside.substr(separator + 2);
    return value != nullptr ? std::optional<std::string>("") : std::nullopt;
}

}  // namespace

void refuse_value(const JobEntry& entry, const std::string& found, const std::string& expected, const std::string& hint) {
    throw_usage({.attempted = "a value of the job file is wrong",
                 .where = entry.where,
                 .found = found,
                 .expected = expected,
                 .hint = hint});
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
    const std::string near = nearest_word(word, candidates);
    return near.empty() ? "" : "did you mean '" + near + "'?";
}

std::vector<std::string> list_of(const JobEntry& entry) {
    if (entry.value.empty()) refuse_value(entry, "nothing", "at least one value");
    std::vector<std::string> parts = split(entry.value, ',');
    for (auto part = parts.begin(); part != parts.end(); ++part) {
        if (part->empty())
            refuse_value(entry, "an empty place in '" + entry.value + "'", "values with single commas between them");
        if (std::find(parts.begin(), part, *part) != part) refuse_value(entry, "'" + *part + "' twice", "every value once");
    }
    return parts;
}

std::optional<double> parse_number(std::string_view text) {
    double value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || result.ec != std::errc{} || result.ptr != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<bool> parse_switch(std::string_view text) {
    if (text == "true" || text == "yes" || text == "on" || text == "1") return true;
    if (text == "false" || text == "no" || text == "off" || text == "0") return false;
    return std::nullopt;
}

std::optional<Bits> parse_bits(std::string_view text) {
    if (!text.empty() && text.front() != 'w') {
        const auto width = parse_width(text);
        return width ? std::optional<Bits>(Bits{*width, *width}) : std::nullopt;
    }
    const auto separator = text.find('a');
    if (text.empty() || separator == std::string_view::npos) return std::nullopt;
    const auto weight = parse_width(text.substr(1, separator - 1));
    const auto activation = parse_width(text.substr(separator + 1));
    if (!weight || !activation) return std::nullopt;
    return Bits{*weight, *activation};
}

bool is_plain_name(std::string_view text) {
    constexpr std::size_t kLongest = 64;
    return !text.empty() && text.size() <= kLongest &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
}

std::filesystem::path expand_path(const JobEntry& entry) {
    if (entry.value.empty()) refuse_value(entry, "nothing", "a path");
    std::string path;
    const std::string& text = entry.value;
    for (std::size_t begin = 0;;) {
        const std::size_t open = text.find("${", begin);
        path += text.substr(begin, open - begin);
        if (open == std::string::npos) return path;
        const std::size_t close = text.find('}', open);
        if (close == std::string::npos) refuse_value(entry, "'" + text + "'", "a } for every ${");
        const std::string inside = text.substr(open + 2, close - open - 2);
        path += value_of_variable(entry, inside).value_or("${" + inside + "}");
        begin = close + 1;
    }
}

}  // namespace fairsweep
