#pragma once
/// Single values as job files, rules and stores spell them.
#include <cstdint>
#include <optional>
#include <string_view>

#include "fairsweep/sweep.hpp"

namespace fairsweep {

[[nodiscard]] std::optional<double> parse_number(std::string_view text);         ///< finite; the whole text
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);  ///< decimal; the whole text
[[nodiscard]] std::optional<bool> parse_switch(std::string_view text);           ///< true, false, yes, no, on, off, 1, 0
/// "8" or "w4a8", widths 2 ... 16 or 32.
[[nodiscard]] std::optional<Bits> parse_bits(std::string_view text);

}  // namespace fairsweep
