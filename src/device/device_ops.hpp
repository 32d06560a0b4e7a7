#pragma once
/// What quantised networks compute beside torch's own operations, once per kind of device. Everything that an operation reads or
/// writes is a tensor on its device: ranges and grids too, so that no step of a training waits for a number. Activations, weights and
/// gradients are float32, dense in memory, and all tensors of one call that have a shape have the same layout. Nothing records
/// gradients. Results on CPU do not depend on the number of threads.
/// A device is one table like cpu_ops(); code that calls it asks ops_of().
#include <torch/types.h>

#include <cstdint>
#include <limits>
#include <span>

#include "device/fake_quant_arithmetic.hpp"

namespace fairsweep {

/// What passed a quantiser since it was last asked, float32 [2].
struct Seen {
    enum Place : std::int64_t { least, most };
    [[nodiscard]] static torch::Tensor nothing() {
        constexpr float infinity = std::numeric_limits<float>::infinity();
        return torch::tensor({infinity, -infinity});
    }
};

/// What a tensor `broken`, int32 [1], is set to; it stays 0 otherwise.
enum Broken : std::int32_t { sound, broken_value, broken_step };  // a value, or the learned step, is NaN or infinite

/// The grids of a quantiser's rows, as numbers that follow from tensors [rows].
struct GridTensors {
    GridSource source = GridSource::symmetric_range;
    int bits = 8;
    torch::Tensor first, second;  ///< minima and maxima; or steps (their natural logarithms) and zero points
};
[[nodiscard]] inline GridSource range_source(GridKind kind) {
    return kind == GridKind::symmetric ? GridSource::symmetric_range : GridSource::asymmetric_range;
}
/// The grid of one row on the host: for descriptions. Waits for the device.
[[nodiscard]] StepGrid grid_at(const GridTensors& grid, std::int64_t row);

/// How what was seen since the last update changes the range of a quantiser (preset "modern").
struct RangeUpdate {
    UpdateRule rule = UpdateRule::keep;
    float share = 1.0F;                ///< of the newest in an average
    torch::Tensor seen, min, max;      ///< seen: afterwards nothing was; where nothing was seen, nothing changes
    torch::Tensor log_step, zero_point;  ///< undefined, or set from the new range by that grid
    GridKind grid = GridKind::asymmetric;
    int bits = 8;
};

/// The weights of one layer, [rows, any].
struct WeightJob {
    WeightSource grid_source = WeightSource::quantface_range;
    int bits = 8;
    GridKind grid = GridKind::asymmetric;  ///< of a range
    std::int64_t rows = 1;
    torch::Tensor source, out;
    torch::Tensor steps, zero_points;  ///< stored, [rows]
    torch::Tensor kept;                ///< undefined, or int16 [rows, mask_words(row)]: bits of what lay inside
};

struct DeviceOps {
    const char* name;
    /// Folds the values of x into `seen` (undefined: not wanted).
    void (*observe)(const torch::Tensor& x, const torch::Tensor& seen, const torch::Tensor& broken);
    /// Preset "quantface": the range [1], [1] is widened by what was seen; afterwards nothing was.
    void (*widen)(const torch::Tensor& seen, const torch::Tensor& min, const torch::Tensor& max);
    /// Preset "quantface", in place: a fresh tensor for each activation costs more than the arithmetic.
    void (*quantise_scaled)(const torch::Tensor& x, const torch::Tensor& min, const torch::Tensor& max, int bits,
                            const torch::Tensor& broken);
    /// Quantises x into `out` (x itself, or as large as x) by the grid's row 0, its mask into `kept` (int16 [1, mask_words(numel)];
    /// undefined: not wanted). Folds x into `seen` (undefined: not wanted).
    void (*quantise_stepped)(const torch::Tensor& x, const torch::Tensor& out, const torch::Tensor& kept, const GridTensors& grid,
                             const torch::Tensor& seen, const torch::Tensor& broken);
    /// out = gradient where the bit of `kept` [rows, words] is set, 0 elsewhere.
    void (*masked_gradient)(const torch::Tensor& gradient, const torch::Tensor& kept, const torch::Tensor& out);
    /// LSQ's gradients of x [rows, any] into `out`, and of the steps' logarithms into `step_gradient` [rows].
    void (*learned_gradient)(const torch::Tensor& x, const torch::Tensor& gradient, const torch::Tensor& out,
                             const GridTensors& grid, const torch::Tensor& step_gradient);
    void (*update_ranges)(std::span<const RangeUpdate> updates);
    /// All layers at once, so that small ones share the device. `first_broken`, int32 [1]: lowered to the first job with a value or
    /// step that is NaN or infinite.
    void (*quantise_weights)(std::span<const WeightJob> jobs, const torch::Tensor& first_broken);
    /// y = x > 0 ? x : slope * x, [batch, channels, ...], float32 or bfloat16; y may be x.
    void (*prelu_forward)(const torch::Tensor& x, const torch::Tensor& slopes, const torch::Tensor& y);
    void (*prelu_backward)(const torch::Tensor& x, const torch::Tensor& gradient, const torch::Tensor& slopes,
                           const torch::Tensor& x_gradient, const torch::Tensor& slope_gradient);
    /// `pixels` uint8 [batch, rows, cols, 3], mirrored left to right where `flips` (bool [batch]) is set, to float32
    /// [batch, 3, rows, cols] in channels-last memory: ((v / 255) - 0.5) / 0.5, as the reference computes it.
    void (*images)(const torch::Tensor& pixels, const torch::Tensor& flips, const torch::Tensor& out);
};

[[nodiscard]] const DeviceOps& cpu_ops();
/// The table of the device that `x` is on. Throws an internal error where none was installed.
[[nodiscard]] const DeviceOps& ops_of(const torch::Tensor& x);
/// `ops` must outlive all that calls it. Before any tensor is on such a device.
void install_ops(torch::DeviceType device, const DeviceOps& ops);

}  // namespace fairsweep
