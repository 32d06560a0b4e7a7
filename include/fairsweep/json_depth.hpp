#pragma once
/// A bound for JSON from files of others: parsing copes with any depth, but printing, copying and comparing recurse.
#include <cstddef>
#include <string_view>

namespace fairsweep {

/// Deeper than anything that fairsweep or safetensors write.
inline constexpr std::size_t kMaxJsonDepth = 64;

/// How deep the arrays and objects of a JSON text lie in each other; 0 for none. Brackets inside strings do not count. The text
/// may be damaged: then it is the depth that a parser would have come to at most.
[[nodiscard]] std::size_t json_depth(std::string_view text);

}  // namespace fairsweep
