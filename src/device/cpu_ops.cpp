#include "device/cpu_ops.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <span>
#include <vector>

#include "device/device_ops.hpp"
#include "device/fake_quant_kernel.hpp"

namespace fairsweep {
namespace {

constexpr std::int64_t kBlock = 1 << 15;  // values of a piece of work, some 10 microseconds; a multiple of 16, the bits of a mask word

std::span<const float> values_of(const torch::Tensor& x, std::int64_t begin, std::int64_t count) {
    return {x.const_data_ptr<float>() + begin, static_cast<std::size_t>(count)};
}

float& value_of(const torch::Tensor& x, std::int64_t at = 0) { return x.data_ptr<float>()[at]; }

std::int64_t pieces_of(std::int64_t row_size) { return (row_size + kBlock - 1) / kBlock; }

/// body(row, first value in the row, values, index of the piece), in pieces of at most kBlock values of one row, whatever the
/// number of threads.
template <typename Body>
void for_each_piece(std::int64_t rows, std::int64_t row_size, const Body& body) {
    const std::int64_t pieces = pieces_of(row_size), grain = std::max<std::int64_t>(1, kBlock / std::max<std::int64_t>(1, row_size));
    at::parallel_for(0, rows * pieces, grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t from = i % pieces * kBlock;
            body(i / pieces, from, std::min(kBlock, row_size - from), i);
        }
    });
}

std::uint16_t* words_at(const torch::Tensor& kept, std::int64_t row, std::int64_t value = 0) {
    if (!kept.defined()) return nullptr;
    return reinterpret_cast<std::uint16_t*>(kept.data_ptr<std::int16_t>()) + row * kept.size(1) + value / 16;
}

void mark(const torch::Tensor& broken, std::int32_t how) { broken.data_ptr<std::int32_t>()[0] = how; }

/// Minimum and maximum over pieces: their order does not matter.
class SharedRange {
public:
    void add(const ValueRange& part) {
        const std::lock_guard lock(mutex_);
        least_ = std::min(least_, part.min);
        most_ = std::max(most_, part.max);
        is_finite_ = is_finite_ && part.is_finite;
    }
    /// `seen` may be undefined.
    void fold_into(const torch::Tensor& seen, const torch::Tensor& broken) const {
        if (!is_finite_) return mark(broken, Broken::broken_value);  // a batch that is refused leaves nothing behind
        if (!seen.defined()) return;
        value_of(seen, Seen::least) = std::min(value_of(seen, Seen::least), least_);
        value_of(seen, Seen::most) = std::max(value_of(seen, Seen::most), most_);
    }

private:
    std::mutex mutex_;
    float least_ = std::numeric_limits<float>::infinity(), most_ = -least_;
    bool is_finite_ = true;
};

void forget(const torch::Tensor& seen) {
    value_of(seen, Seen::least) = std::numeric_limits<float>::infinity();
    value_of(seen, Seen::most) = -std::numeric_limits<float>::infinity();
}

void observe(const torch::Tensor& x, const torch::Tensor& seen, const torch::Tensor& broken) {
    SharedRange range;
    for_each_piece(1, x.numel(), [&](std::int64_t, std::int64_t begin, std::int64_t count, std::int64_t) {
        range.add(range_of(values_of(x, begin, count)));
    });
    range.fold_into(seen, broken);
}

void widen(const torch::Tensor& seen, const torch::Tensor& min, const torch::Tensor& max) {
    const arithmetic::Range range =
        widened_range({value_of(min), value_of(max)}, {value_of(seen, Seen::least), value_of(seen, Seen::most)});
    value_of(min) = range.min;
    value_of(max) = range.max;
    forget(seen);
}

void quantise_scaled(const torch::Tensor& x, const torch::Tensor& min, const torch::Tensor& max, int bits,
                     const torch::Tensor& broken) {
    const QuantiserScale scale = quantiser_scale(value_of(min), value_of(max), bits);
    float* const target = x.data_ptr<float>();
    std::atomic<bool> is_finite{true};
    for_each_piece(1, x.numel(), [&](std::int64_t, std::int64_t begin, std::int64_t count, std::int64_t) {
        if (!fake_quantise(values_of(x, begin, count), target + begin, scale)) is_finite = false;
    });
    if (!is_finite) mark(broken, Broken::broken_value);
}

void quantise_stepped(const torch::Tensor& x, const torch::Tensor& out, const torch::Tensor& kept, const GridTensors& tensors,
                      const torch::Tensor& seen, const torch::Tensor& broken) {
    const StepGrid grid = grid_at(tensors, 0);
    if (!std::isfinite(grid.step)) return mark(broken, Broken::broken_step);
    float* const target = out.data_ptr<float>();
    SharedRange range;
    for_each_piece(1, x.numel(), [&](std::int64_t, std::int64_t begin, std::int64_t count, std::int64_t) {
        range.add(fake_quantise(values_of(x, begin, count), target + begin, words_at(kept, 0, begin), grid));
    });
    range.fold_into(seen, broken);
}

void masked(const torch::Tensor& gradient, const torch::Tensor& kept, const torch::Tensor& out) {
    const std::int64_t rows = kept.size(0), row_size = gradient.numel() / rows;
    float* const target = out.data_ptr<float>();
    for_each_piece(rows, row_size, [&](std::int64_t row, std::int64_t begin, std::int64_t count, std::int64_t) {
        const std::int64_t at = row * row_size + begin;
        masked_gradient(values_of(gradient, at, count), words_at(kept, row, begin), target + at);
    });
}

void learned(const torch::Tensor& x, const torch::Tensor& gradient, const torch::Tensor& out, const GridTensors& grid,
             const torch::Tensor& step_gradient) {
    const std::int64_t rows = step_gradient.numel(), row_size = x.numel() / rows, pieces = pieces_of(row_size);
    float* const target = out.data_ptr<float>();
    const float* const upstream = gradient.const_data_ptr<float>();
    std::vector<LearnedSums> parts(static_cast<std::size_t>(rows * pieces));
    for_each_piece(rows, row_size, [&](std::int64_t row, std::int64_t begin, std::int64_t count, std::int64_t piece) {
        const std::int64_t at = row * row_size + begin;
        parts[static_cast<std::size_t>(piece)] =
            learned_gradient(values_of(x, at, count), upstream + at, target + at, grid_at(grid, row));
    });
    for (std::int64_t row = 0; row < rows; ++row) {
        LearnedSums total;
        for (const LearnedSums& part : std::span(parts).subspan(static_cast<std::size_t>(row * pieces), static_cast<std::size_t>(pieces))) {
            total.step_gradient += part.step_gradient;
            total.magnitude += part.magnitude;
        }
        value_of(step_gradient, row) =
            static_cast<float>(log_step_gradient(total, static_cast<double>(row_size), grid_at(grid, row)));
    }
}

void update_ranges(std::span<const RangeUpdate> updates) {
    for (const RangeUpdate& update : updates) {
        const arithmetic::Range seen{value_of(update.seen, Seen::least), value_of(update.seen, Seen::most)};
        const arithmetic::Range range =
            updated_range({value_of(update.min), value_of(update.max)}, seen, update.rule, update.share);
        forget(update.seen);
        value_of(update.min) = range.min;
        value_of(update.max) = range.max;
        if (!update.log_step.defined() || !(range.min <= range.max)) continue;
        const StepGrid grid = grid_of_range(range.min, range.max, update.grid, update.bits);
        value_of(update.log_step) = std::log(grid.step);
        value_of(update.zero_point) = grid.zero_point;
    }
}

/// False: NaN or infinite.
bool quantise_row(const WeightJob& job, std::int64_t row) {
    const std::int64_t row_size = job.source.numel() / job.rows;
    const auto values = values_of(job.source, row * row_size, row_size);
    float* const to = job.out.data_ptr<float>() + row * row_size;
    if (job.grid_source == WeightSource::step) {
        const StepGrid grid = grid_of_step(value_of(job.steps, row), value_of(job.zero_points, row), job.bits);
        return std::isfinite(grid.step) && fake_quantise(values, to, words_at(job.kept, row), grid).is_finite;
    }
    const ValueRange range = range_of(values);
    if (!range.is_finite) return false;
    if (job.grid_source == WeightSource::quantface_range) return fake_quantise(values, to, quantiser_scale(range.min, range.max, job.bits));
    fake_quantise(values, to, nullptr, grid_of_range(range.min, range.max, job.grid, job.bits));
    return true;
}

void quantise_weights(std::span<const WeightJob> jobs, const torch::Tensor& first_broken) {
    struct Rows {
        std::size_t job;
        std::int64_t begin, end;
    };
    std::vector<Rows> chunks;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const std::int64_t row_size = jobs[i].source.numel() / jobs[i].rows;
        const std::int64_t step = std::max<std::int64_t>(1, kBlock / std::max<std::int64_t>(1, row_size));
        for (std::int64_t row = 0; row < jobs[i].rows; row += step) chunks.push_back({i, row, std::min(jobs[i].rows, row + step)});
    }
    std::atomic<std::size_t> broken{jobs.size()};
    at::parallel_for(0, static_cast<std::int64_t>(chunks.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        for (const Rows& chunk : std::span(chunks).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)))
            for (std::int64_t row = chunk.begin; row < chunk.end; ++row) {
                if (quantise_row(jobs[chunk.job], row)) continue;
                std::size_t first = broken;  // the earliest, whichever thread came first
                while (chunk.job < first && !broken.compare_exchange_weak(first, chunk.job)) {
                }
            }
    });
    std::int32_t& lowest = first_broken.data_ptr<std::int32_t>()[0];
    lowest = std::min(lowest, static_cast<std::int32_t>(broken.load()));
}

}  // namespace

const DeviceOps& cpu_ops() {
    static constexpr DeviceOps kOps{.name = "CPU",
                                    .observe = observe,
                                    .widen = widen,
                                    .quantise_scaled = quantise_scaled,
                                    .quantise_stepped = quantise_stepped,
                                    .masked_gradient = masked,
                                    .learned_gradient = learned,
                                    .update_ranges = update_ranges,
                                    .quantise_weights = quantise_weights,
                                    .prelu_forward = prelu_forward_on_cpu,
                                    .prelu_backward = prelu_backward_on_cpu,
                                    .images = images_on_cpu};
    return kOps;
}

}  // namespace fairsweep
