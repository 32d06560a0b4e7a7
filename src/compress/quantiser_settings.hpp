#pragma once
/// Which quantisers a network gets: a plain value made from the recipe and kept in checkpoints (docs/quantisers.md).
#include <cstdint>
#include <string>

#include "device/fake_quant_arithmetic.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

enum class Preset : std::uint8_t { quantface, modern };

/// Where a quantiser's step comes from.
///   - minmax: activations: all values seen so far; weights: the present weights, on every forward pass
///   - moving_average: activations: running mean of the batches' minima and maxima
///   - percentile: activations: running mean of the batches' quantiles; weights: quantiles of those that training starts from
///   - mse: the range whose quantised values are nearest, found as percentile is
///   - learned: a parameter, trained as LSQ trains it (arXiv 1902.08153), starting from mse; above 8 bits, where a finer step
///     wins nothing and the gradient grows with the number of codes, minmax
enum class RangeRule : std::uint8_t { minmax, moving_average, percentile, mse, learned };

/// The rule that a quantiser of that width follows.
[[nodiscard]] constexpr RangeRule rule_at(RangeRule rule, int bits) {
    return rule == RangeRule::learned && bits > 8 ? RangeRule::minmax : rule;
}

/// The rest is read with Preset::modern only.
struct QuantiserSettings {
    Preset preset = Preset::quantface;
    GridKind weight_grid = GridKind::symmetric;
    bool weight_per_channel = true;  ///< one step per output channel; else one per tensor
    RangeRule weight_range = RangeRule::learned;
    GridKind activation_grid = GridKind::asymmetric;  ///< one step per tensor
    RangeRule activation_range = RangeRule::moving_average;
    double averaging = 0.01;     ///< weight of the newest batch, in (0, 1]
    double percentile = 0.9999;  ///< in (0.5, 1]
    int edge_bits = 8;           ///< least weight bits of the first convolution and the last linear layer
    int slope_bits = 8;          ///< least bits of PReLU slopes
    bool operator==(const QuantiserSettings&) const = default;
};

/// Throws a usage Error naming the key whose word is unknown.
[[nodiscard]] QuantiserSettings settings_of(const Recipe& recipe);

/// One line, "quantface" or "modern weight_grid=symmetric ...": for checkpoints. parse_settings(text_of(s)) == s.
[[nodiscard]] std::string text_of(const QuantiserSettings& settings);
/// Throws a data Error for anything that text_of() does not write.
[[nodiscard]] QuantiserSettings parse_settings(const std::string& text);

}  // namespace fairsweep
