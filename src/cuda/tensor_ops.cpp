#include "cuda/tensor_ops.hpp"

#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <vector>

#include "cuda/kernels.hpp"

namespace fairsweep {
namespace {

void check(int error, const char* what) {
    TORCH_CHECK(error == 0, what, " on the GPU: ", cuda::error_text(error));
}

float* floats(const torch::Tensor& x) { return x.defined() ? x.data_ptr<float>() : nullptr; }
std::int32_t* flag(const torch::Tensor& x) { return x.data_ptr<std::int32_t>(); }
std::uint16_t* words(const torch::Tensor& x) { return x.defined() ? reinterpret_cast<std::uint16_t*>(x.data_ptr<std::int16_t>()) : nullptr; }

torch::Tensor scratch_like(const torch::Tensor& x, std::size_t bytes) {
    return torch::empty({static_cast<std::int64_t>(bytes)}, x.options().dtype(torch::kByte).memory_format(std::nullopt));
}

cuda::Grid grid_of(const GridTensors& grid) {
    return {grid.source, grid.bits, floats(grid.first), floats(grid.second)};
}

void observe(const torch::Tensor& x, const torch::Tensor& seen, const torch::Tensor& broken) {
    const c10::DeviceGuard guard(x.device());
    check(cuda::observe(floats(x), x.numel(), floats(seen), flag(broken), cuda::stream_of(x)), "observe values");
}

void widen(const torch::Tensor& seen, const torch::Tensor& min, const torch::Tensor& max) {
    const c10::DeviceGuard guard(seen.device());
    check(cuda::widen(floats(seen), floats(min), floats(max), cuda::stream_of(seen)), "widen a range");
}

void quantise_scaled(const torch::Tensor& x, const torch::Tensor& min, const torch::Tensor& max, int bits, const torch::Tensor& broken) {
    const c10::DeviceGuard guard(x.device());
    check(cuda::quantise_scaled(floats(x), x.numel(), floats(min), floats(max), bits, flag(broken), cuda::stream_of(x)), "quantise");
}

void quantise_stepped(const torch::Tensor& x, const torch::Tensor& out, const torch::Tensor& kept, const GridTensors& grid,
                      const torch::Tensor& seen, const torch::Tensor& broken) {
    const c10::DeviceGuard guard(x.device());
    check(cuda::quantise_stepped(floats(x), floats(out), words(kept), x.numel(), grid_of(grid), floats(seen), flag(broken), cuda::stream_of(x)),
          "quantise");
}

void masked_gradient(const torch::Tensor& gradient, const torch::Tensor& kept, const torch::Tensor& out) {
    const c10::DeviceGuard guard(out.device());
    const std::int64_t rows = kept.size(0);
    check(cuda::masked_gradient(floats(gradient), words(kept), floats(out), rows, out.numel() / rows, cuda::stream_of(out)), "mask a gradient");
}

void learned_gradient(const torch::Tensor& x, const torch::Tensor& gradient, const torch::Tensor& out, const GridTensors& grid,
                      const torch::Tensor& step_gradient) {
    const c10::DeviceGuard guard(x.device());
    const std::int64_t rows = step_gradient.numel(), row_size = x.numel() / rows;
    const torch::Tensor scratch = scratch_like(x, cuda::learned_scratch_bytes(rows, row_size));
    check(cuda::learned_gradient(floats(x), floats(gradient), floats(out), grid_of(grid), rows, row_size, floats(step_gradient),
                                 scratch.data_ptr(), cuda::stream_of(x)),
          "compute the gradient of a step");
}

void update_ranges(std::span<const RangeUpdate> updates) {
    if (updates.empty()) return;
    std::vector<cuda::RangeUpdate> table;
    for (const RangeUpdate& update : updates)
        table.push_back({.rule = update.rule,
                         .grid = update.grid,
                         .bits = update.bits,
                         .share = update.share,
                         .seen = floats(update.seen),
                         .min = floats(update.min),
                         .max = floats(update.max),
                         .log_step = floats(update.log_step),
                         .zero_point = floats(update.zero_point)});
    const torch::Tensor& any = updates.front().min;
    const c10::DeviceGuard guard(any.device());
    check(cuda::update_ranges(table, cuda::stream_of(any)), "update ranges");
}

void quantise_weights(std::span<const WeightJob> jobs, const torch::Tensor& first_broken) {
    std::vector<cuda::WeightJob> table;
    for (const WeightJob& job : jobs)
        table.push_back({.grid_source = job.grid_source,
                         .grid = job.grid,
                         .bits = job.bits,
                         .rows = static_cast<std::int32_t>(job.rows),
                         .row_size = static_cast<std::int32_t>(job.source.numel() / job.rows),
                         .source = floats(job.source),
                         .out = floats(job.out),
                         .steps = floats(job.steps),
                         .zero_points = floats(job.zero_points),
                         .kept = words(job.kept)});
    const c10::DeviceGuard guard(first_broken.device());
    check(cuda::quantise_weights(table, flag(first_broken), cuda::stream_of(first_broken)), "quantise weights");
}

cuda::Activations shape_of(const torch::Tensor& x) {
    cuda::Activations shape;
    shape.type = x.scalar_type() == torch::kBFloat16 ? cuda::Real::bfloat16 : cuda::Real::float32;
    shape.channels_last = x.dim() == 4 && x.is_contiguous(torch::MemoryFormat::ChannelsLast);
    shape.channels = x.size(1);
    shape.pixels = shape.channels == 0 ? 0 : x.numel() / shape.channels;
    shape.plane = x.size(0) == 0 ? 1 : std::max<std::int64_t>(1, shape.pixels / x.size(0));
    return shape;
}

void prelu_forward(const torch::Tensor& x, const torch::Tensor& slopes, const torch::Tensor& y) {
    const c10::DeviceGuard guard(x.device());
    check(cuda::prelu_forward(x.const_data_ptr(), floats(slopes), y.data_ptr(), shape_of(x), cuda::stream_of(x)), "compute a PReLU");
}

void prelu_backward(const torch::Tensor& x, const torch::Tensor& gradient, const torch::Tensor& slopes, const torch::Tensor& x_gradient,
                    const torch::Tensor& slope_gradient) {
    const c10::DeviceGuard guard(x.device());
    const cuda::Activations shape = shape_of(x);
    const torch::Tensor scratch = scratch_like(x, cuda::prelu_scratch_bytes(shape));
    check(cuda::prelu_backward(x.const_data_ptr(), gradient.const_data_ptr(), floats(slopes), x_gradient.data_ptr(),
                               floats(slope_gradient), shape, scratch.data_ptr(), cuda::stream_of(x)),
          "compute the gradient of a PReLU");
}

void images(const torch::Tensor& pixels, const torch::Tensor& flips, const torch::Tensor& out) {
    const c10::DeviceGuard guard(out.device());
    TORCH_CHECK(pixels.size(1) == pixels.size(2) && pixels.size(3) == 3 && out.numel() == pixels.numel(), "images of one shape");
    check(cuda::images(pixels.const_data_ptr<std::uint8_t>(), flips.const_data_ptr<bool>(), floats(out), pixels.size(0), pixels.size(1),
                       cuda::stream_of(out)),
          "make images");
}

}  // namespace

const DeviceOps& cuda::ops() {
    static constexpr DeviceOps kOps{.name = "CUDA",
                                    .observe = fairsweep::observe,
                                    .widen = fairsweep::widen,
                                    .quantise_scaled = fairsweep::quantise_scaled,
                                    .quantise_stepped = fairsweep::quantise_stepped,
                                    .masked_gradient = fairsweep::masked_gradient,
                                    .learned_gradient = fairsweep::learned_gradient,
                                    .update_ranges = fairsweep::update_ranges,
                                    .quantise_weights = fairsweep::quantise_weights,
                                    .prelu_forward = fairsweep::prelu_forward,
                                    .prelu_backward = fairsweep::prelu_backward,
                                    .images = fairsweep::images};
    return kOps;
}

}  // namespace fairsweep
