#pragma once
/// The arithmetic of convolutions. No torch in this header.
#include <string_view>

namespace fairsweep {

/// bf16: convolutions, and the activations between them, in bfloat16; BatchNorm's statistics, quantisers, the last linear
/// layer, master weights and gradients of weights stay float32. Fast only where the processor has bfloat16 instructions.
/// tf32: float32 whose products, of convolutions and linear layers, a GPU rounds to 10 bits of mantissa.
enum class Precision { fp32, bf16, tf32 };

/// `word` is "fp32", "bf16" or "tf32".
[[nodiscard]] constexpr Precision precision_of(std::string_view word) {
    return word == "bf16" ? Precision::bf16 : word == "tf32" ? Precision::tf32 : Precision::fp32;
}

}  // namespace fairsweep
