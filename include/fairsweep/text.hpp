#pragma once
/// Small helpers for text that people read or that ids are made of.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairsweep {

/// The candidate nearest to `word` by edit distance, or "" when none is near (more than a third of the letters differ).
[[nodiscard]] std::string nearest_word(std::string_view word, std::span<const std::string> candidates);

/// Shortest text that reads back as the same double ("0.7", "1e-08"); used wherever a number enters an id.
[[nodiscard]] std::string exact_number(double value);

[[nodiscard]] std::string human_duration(double seconds);         ///< "3 min 12 s"
[[nodiscard]] std::string human_bytes(std::uint64_t size_bytes);  ///< "1.4 GB" (powers of 1000)

[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);  ///< parts trimmed of blanks
[[nodiscard]] std::string_view trim(std::string_view text);

}  // namespace fairsweep
