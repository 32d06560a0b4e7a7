#include "words/value_text.hpp"

#include <charconv>
#include <cmath>

namespace fairsweep {
namespace {

std::optional<int> parse_width(std::string_view text) {
    const auto width = parse_integer(text);
    if (!width || !((*width >= 2 && *width <= 16) || *width == 32)) return std::nullopt;
    return static_cast<int>(*width);
}

}  // namespace

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

}  // namespace fairsweep
