// Compiled with --fmad=false: a fused multiply-add would round once instead of twice.
#include <algorithm>

#include "cuda/kernels.cuh"
#include "cuda/kernels.hpp"

namespace fairsweep::cuda {
namespace {

constexpr std::int32_t kBrokenValue = 1, kBrokenStep = 2;  // Broken of device_ops.hpp
constexpr int kMaskBits = 16;
// The order in which the processor adds (fake_quant_loops.inc, cpu_ops.cpp): lanes over blocks in float, blocks over pieces in double.
constexpr std::int64_t kLanes = 16, kSumBlock = 4096, kPiece = 1 << 15;

__device__ StepGrid grid_of(const Grid& grid, std::int64_t row) {
    const float first = grid.first[row], second = grid.second[row];
    switch (grid.source) {
        case GridSource::symmetric_range: return arithmetic::grid_of_range(first, second, GridKind::symmetric, grid.bits);
        case GridSource::asymmetric_range: return arithmetic::grid_of_range(first, second, GridKind::asymmetric, grid.bits);
        case GridSource::step: return arithmetic::grid_of_step(first, second, grid.bits);
        case GridSource::log_step: break;
    }
    return arithmetic::grid_of_step(expf(first), second, grid.bits);
}

__global__ void observe_kernel(const float* x, std::int64_t count, float* seen, std::int32_t* broken) {
    Found found;
    for (std::int64_t i = first_index(); i < count; i += index_stride()) found.add(x[i]);
    fold(found, seen, broken, kBrokenValue);
}

__device__ void forget(float* seen) {
    seen[0] = INFINITY;
    seen[1] = -INFINITY;
}

__global__ void widen_kernel(float* seen, float* min, float* max) {
    const arithmetic::Range range = arithmetic::widened({*min, *max}, {seen[0], seen[1]});
    *min = range.min;
    *max = range.max;
    forget(seen);
}

__global__ void quantise_scaled_kernel(float* x, std::int64_t count, const float* min, const float* max, int bits,
                                       std::int32_t* broken) {
    const QuantiserScale scale = arithmetic::quantiser_scale(*min, *max, bits);
    bool is_finite = true;
    for (std::int64_t i = first_index(); i < count; i += index_stride()) {
        const float value = x[i];
        is_finite = is_finite && isfinite(value);
        x[i] = arithmetic::quantised(value, scale);
    }
    if (!__syncthreads_and(is_finite) && threadIdx.x == 0) atomicMax(broken, kBrokenValue);
}

/// Bits of `inside` of the 16 lanes from this thread's on, in the lanes 0 and 16 of a warp.
__device__ void store_mask(std::uint16_t* words, std::int64_t index, std::int64_t count, bool inside) {
    const unsigned bits = __ballot_sync(kAllLanes, inside && index < count);
    const unsigned lane = threadIdx.x % kWarp;
    if (lane % kMaskBits == 0 && index < count) words[index / kMaskBits] = static_cast<std::uint16_t>(bits >> lane);
}

__global__ void quantise_stepped_kernel(const float* x, float* out, std::uint16_t* kept, std::int64_t count, Grid grid_source,
                                        float* seen, std::int32_t* broken) {
    const StepGrid grid = grid_of(grid_source, 0);
    if (!isfinite(grid.step)) {
        if (first_index() == 0) atomicMax(broken, kBrokenStep);
        return;
    }
    Found found;
    // Whole warps go round: the mask is theirs.
    const std::int64_t padded = (count + kWarp - 1) / kWarp * kWarp;
    for (std::int64_t i = first_index(); i < padded; i += index_stride()) {
        arithmetic::Stepped result{};
        if (i < count) {
            found.add(x[i]);
            result = arithmetic::stepped(x[i], grid);
            out[i] = result.code * grid.step;
        }
        if (kept != nullptr) store_mask(kept, i, count, result.inside);
    }
    fold(found, seen, broken, kBrokenValue);
}

__global__ void masked_gradient_kernel(const float* gradient, const std::uint16_t* kept, float* out, std::int64_t rows,
                                       std::int64_t row_size) {
    const std::int64_t words = (row_size + kMaskBits - 1) / kMaskBits;
    for (std::int64_t i = first_index(); i < rows * row_size; i += index_stride()) {
        const std::int64_t row = rows == 1 ? 0 : i / row_size, at = i - row * row_size;
        const bool inside = (kept[row * words + at / kMaskBits] >> (at % kMaskBits) & 1U) != 0;
        out[i] = inside ? gradient[i] : 0.0F;
    }
}

__host__ __device__ std::int64_t parts_of(std::int64_t size, std::int64_t part) { return (size + part - 1) / part; }
/// Blocks of kSumBlock values in a row that is cut into pieces of kPiece first.
__host__ __device__ std::int64_t sum_blocks_of(std::int64_t row_size) { return parts_of(row_size, kSumBlock); }

struct LaneSums {
    float step_gradient, magnitude;
};

/// Thread = lane of a block of values: sums [rows, sum blocks, lanes].
__global__ void learned_lanes_kernel(const float* x, const float* gradient, float* out, Grid grids, std::int64_t rows,
                                     std::int64_t row_size, LaneSums* sums) {
    const std::int64_t blocks = sum_blocks_of(row_size);
    for (std::int64_t i = first_index(); i < rows * blocks * kLanes; i += index_stride()) {
        const std::int64_t lane = i % kLanes, block = i / kLanes % blocks, row = i / kLanes / blocks;
        const StepGrid grid = grid_of(grids, row);
        const std::int64_t end = block * kSumBlock + kSumBlock < row_size ? block * kSumBlock + kSumBlock : row_size;
        LaneSums sum{0.0F, 0.0F};
        for (std::int64_t at = block * kSumBlock + lane; at < end; at += kLanes) {
            const float value = x[row * row_size + at], upstream = gradient[row * row_size + at];
            const arithmetic::Stepped result = arithmetic::stepped(value, grid);
            sum.magnitude += value < 0.0F ? -value : value;
            sum.step_gradient += arithmetic::learned_term(result, upstream);
            out[row * row_size + at] = result.inside ? upstream : 0.0F;
        }
        sums[i] = sum;
    }
}

/// Thread = piece of a row: of its lanes in order.
__global__ void learned_pieces_kernel(const LaneSums* lanes, std::int64_t rows, std::int64_t row_size, LearnedSums* sums) {
    constexpr std::int64_t blocks_of_piece = kPiece / kSumBlock;
    const std::int64_t pieces = parts_of(row_size, kPiece), blocks = sum_blocks_of(row_size);
    for (std::int64_t i = first_index(); i < rows * pieces; i += index_stride()) {
        const std::int64_t row = i / pieces, first = i % pieces * blocks_of_piece;
        const std::int64_t end = first + blocks_of_piece < blocks ? first + blocks_of_piece : blocks;
        LearnedSums sum;
        for (const LaneSums* lane = lanes + (row * blocks + first) * kLanes; lane != lanes + (row * blocks + end) * kLanes; ++lane) {
            sum.step_gradient += static_cast<double>(lane->step_gradient);
            sum.magnitude += static_cast<double>(lane->magnitude);
        }
        sums[i] = sum;
    }
}

/// Thread = row: of its pieces in order.
__global__ void learned_rows_kernel(const LearnedSums* pieces, Grid grids, std::int64_t rows, std::int64_t row_size,
                                    float* step_gradient) {
    const std::int64_t count = parts_of(row_size, kPiece);
    for (std::int64_t row = first_index(); row < rows; row += index_stride()) {
        LearnedSums total;
        for (std::int64_t i = 0; i < count; ++i) {
            total.step_gradient += pieces[row * count + i].step_gradient;
            total.magnitude += pieces[row * count + i].magnitude;
        }
        step_gradient[row] =
            static_cast<float>(arithmetic::log_step_gradient(total, static_cast<double>(row_size), grid_of(grids, row)));
    }
}

// Tables travel as a kernel's parameters, of which there may be 32,764 bytes from CUDA 12.1 on: nothing is copied before a launch.
constexpr std::size_t kParameterBytes = 32'000;

struct RangeUpdates {
    static constexpr std::size_t kMost = kParameterBytes / sizeof(RangeUpdate);
    RangeUpdate items[kMost];
    int count = 0;
};

__global__ void update_ranges_kernel(const __grid_constant__ RangeUpdates updates) {
    for (std::int64_t i = first_index(); i < updates.count; i += index_stride()) {
        const RangeUpdate& update = updates.items[i];
        const arithmetic::Range seen{update.seen[0], update.seen[1]};
        const arithmetic::Range range = arithmetic::updated({*update.min, *update.max}, seen, update.rule, update.share);
        forget(update.seen);
        *update.min = range.min;
        *update.max = range.max;
        if (update.log_step == nullptr || !(range.min <= range.max)) continue;
        const StepGrid grid = arithmetic::grid_of_range(range.min, range.max, update.grid, update.bits);
        *update.log_step = logf(grid.step);
        *update.zero_point = grid.zero_point;
    }
}

struct WeightJobs {
    static constexpr std::size_t kMost = kParameterBytes / (sizeof(WeightJob) + sizeof(std::int32_t));
    WeightJob items[kMost];
    std::int32_t first_block[kMost];  ///< a block is a row
    std::int32_t count = 0, first_index = 0;
};

/// The job whose rows include this block's.
__device__ int job_of(const WeightJobs& jobs, std::int32_t block) {
    int low = 0, high = jobs.count;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        (jobs.first_block[middle] <= block ? low : high) = middle;
    }
    return low;
}

__global__ void quantise_weights_kernel(const __grid_constant__ WeightJobs jobs, std::int32_t* first_broken) {
    __shared__ Found of_row;
    const auto block = static_cast<std::int32_t>(blockIdx.x);
    const int index = job_of(jobs, block);
    const WeightJob& job = jobs.items[index];
    const std::int64_t row = block - jobs.first_block[index];
    const float* const source = job.source + row * job.row_size;
    float* const out = job.out + row * job.row_size;
    Found found;
    for (std::int64_t i = threadIdx.x; i < job.row_size; i += blockDim.x) found.add(source[i]);
    found = found_in_block(found);
    if (threadIdx.x == 0) of_row = found;
    __syncthreads();
    found = of_row;
    StepGrid grid;
    if (job.grid_source == WeightSource::step) grid = arithmetic::grid_of_step(job.steps[row], job.zero_points[row], job.bits);
    if (job.grid_source == WeightSource::range) grid = arithmetic::grid_of_range(found.least, found.most, job.grid, job.bits);
    if (!found.is_finite || !isfinite(grid.step)) {
        if (threadIdx.x == 0) atomicMin(first_broken, jobs.first_index + index);
        return;
    }
    if (job.grid_source == WeightSource::quantface_range) {
        const QuantiserScale scale = arithmetic::quantiser_scale(found.least, found.most, job.bits);
        for (std::int64_t i = threadIdx.x; i < job.row_size; i += blockDim.x) out[i] = arithmetic::quantised(source[i], scale);
        return;
    }
    const std::int64_t words = (job.row_size + kMaskBits - 1) / kMaskBits, padded = (job.row_size + kWarp - 1) / kWarp * kWarp;
    for (std::int64_t i = threadIdx.x; i < padded; i += blockDim.x) {
        arithmetic::Stepped result{};
        if (i < job.row_size) {
            result = arithmetic::stepped(source[i], grid);
            out[i] = result.code * grid.step;
        }
        if (job.kept != nullptr) store_mask(job.kept + row * words, i, job.row_size, result.inside);
    }
}

}  // namespace

int observe(const float* x, std::int64_t count, float* seen, std::int32_t* broken, Stream stream) {
    return launch(observe_kernel, blocks_for(count), kThreads, stream, x, count, seen, broken);
}

int widen(float* seen, float* min, float* max, Stream stream) {
    return launch(widen_kernel, 1, 1, stream, seen, min, max);
}

int quantise_scaled(float* x, std::int64_t count, const float* min, const float* max, int bits, std::int32_t* broken, Stream stream) {
    return launch(quantise_scaled_kernel, blocks_for(count), kThreads, stream, x, count, min, max, bits, broken);
}

int quantise_stepped(const float* x, float* out, std::uint16_t* kept, std::int64_t count, const Grid& grid, float* seen,
                     std::int32_t* broken, Stream stream) {
    return launch(quantise_stepped_kernel, blocks_for(count), kThreads, stream, x, out, kept, count, grid, seen, broken);
}

int masked_gradient(const float* gradient, const std::uint16_t* kept, float* out, std::int64_t rows, std::int64_t row_size,
                    Stream stream) {
    return launch(masked_gradient_kernel, blocks_for(rows * row_size), kThreads, stream, gradient, kept, out, rows, row_size);
}

std::size_t learned_scratch_bytes(std::int64_t rows, std::int64_t row_size) {
    return static_cast<std::size_t>(rows) * (static_cast<std::size_t>(parts_of(row_size, kPiece)) * sizeof(LearnedSums) +
                                             static_cast<std::size_t>(sum_blocks_of(row_size) * kLanes) * sizeof(LaneSums));
}

int learned_gradient(const float* x, const float* gradient, float* out, const Grid& grid, std::int64_t rows, std::int64_t row_size,
                     float* step_gradient, void* scratch, Stream stream) {
    auto* const pieces = static_cast<LearnedSums*>(scratch);
    const std::int64_t piece_count = rows * parts_of(row_size, kPiece);
    auto* const lanes = reinterpret_cast<LaneSums*>(pieces + piece_count);
    const std::int64_t threads = rows * sum_blocks_of(row_size) * kLanes;
    int error = launch(learned_lanes_kernel, blocks_for(threads), kThreads, stream, x, gradient, out, grid, rows, row_size, lanes);
    if (error == 0) error = launch(learned_pieces_kernel, blocks_for(piece_count), kThreads, stream, lanes, rows, row_size, pieces);
    if (error == 0) error = launch(learned_rows_kernel, blocks_for(rows), kThreads, stream, pieces, grid, rows, row_size, step_gradient);
    return error;
}

int update_ranges(std::span<const RangeUpdate> updates, Stream stream) {
    for (std::size_t begin = 0; begin < updates.size(); begin += RangeUpdates::kMost) {
        RangeUpdates table;
        for (const RangeUpdate& update : updates.subspan(begin, std::min(RangeUpdates::kMost, updates.size() - begin)))
            table.items[table.count++] = update;
        if (const int error = launch(update_ranges_kernel, blocks_for(table.count), kThreads, stream, table)) return error;
    }
    return 0;
}

int quantise_weights(std::span<const WeightJob> jobs, std::int32_t* first_broken, Stream stream) {
    for (std::size_t begin = 0; begin < jobs.size(); begin += WeightJobs::kMost) {
        WeightJobs table;
        table.first_index = static_cast<std::int32_t>(begin);
        std::int32_t blocks = 0;
        for (const WeightJob& job : jobs.subspan(begin, std::min(WeightJobs::kMost, jobs.size() - begin))) {
            table.first_block[table.count] = blocks;
            table.items[table.count++] = job;
            blocks += job.rows;
        }
        if (blocks == 0) continue;
        if (const int error = launch(quantise_weights_kernel, static_cast<unsigned>(blocks), kThreads, stream, table, first_broken))
            return error;
    }
    return 0;
}

}  // namespace fairsweep::cuda
