#pragma once
/// The arithmetic of convolutions. No torch in this header.
#include <string_view>

namespace fairsweep {

/// bf16: convolutions, and the activations between them, in bfloat16; BatchNorm's statistics, quantisers, the last linear
/// layer, master weights and gradients of weights stay float32. Fast only where the processor has bfloat16 instructions.
enum class Precision { fp32, bf16 };

/// `word` is "fp32" or "bf16".
[[nodiscard]] constexpr Precision precision_of(std::string_view word) {
    return word == "bf16" ? Precision::bf16 : Precision::fp32;
}

}  // namespace fairsweep
