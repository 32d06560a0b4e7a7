#pragma once
/// What the kernels share: sizes of launches, loops over values, reductions within a block.
#if defined(FAIRSWEEP_CUDA_ON_HOST)
#include "support/cuda_on_host.hpp"  // a double of CUDA, for tests
#else
#include <cuda_runtime.h>
#endif

#include <cstddef>
#include <cstdint>

#include "device/fake_quant_arithmetic.hpp"

namespace fairsweep::cuda {

#if defined(FAIRSWEEP_CUDA_ON_HOST)
constexpr int kThreads = 64;
constexpr std::int64_t kMostBlocks = 4;
#else
constexpr int kThreads = 256;
constexpr std::int64_t kMostBlocks = 4096;  // more values than that go round
#endif
constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffU;

inline cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

/// Blocks for so many threads' work, at least one.
inline unsigned blocks_for(std::int64_t threads) {
    const std::int64_t blocks = (threads + kThreads - 1) / kThreads;
    return static_cast<unsigned>(blocks < 1 ? 1 : blocks < kMostBlocks ? blocks : kMostBlocks);
}

#if !defined(FAIRSWEEP_CUDA_ON_HOST)
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), unsigned blocks, unsigned threads, void* stream, const Arguments&... arguments) {
    kernel<<<blocks, threads, 0, as_stream(stream)>>>(arguments...);
    return cudaGetLastError();
}
#endif

__device__ inline std::int64_t first_index() { return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline std::int64_t index_stride() { return static_cast<std::int64_t>(gridDim.x) * blockDim.x; }

struct Found {
    float least = INFINITY, most = -INFINITY;
    bool is_finite = true;
    __device__ void add(float x) {
        is_finite = is_finite && isfinite(x);
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    __device__ void add(const Found& other) {
        is_finite = is_finite && other.is_finite;
        least = other.least < least ? other.least : least;
        most = other.most > most ? other.most : most;
    }
};

/// Of all threads of the block, in thread 0.
__device__ inline Found found_in_block(Found found) {
    __shared__ Found of_warps[kThreads / kWarp];
    const auto shuffled = [](Found own, int offset) {
        Found other;
        other.least = __shfl_down_sync(kAllLanes, own.least, offset);
        other.most = __shfl_down_sync(kAllLanes, own.most, offset);
        other.is_finite = __shfl_down_sync(kAllLanes, static_cast<int>(own.is_finite), offset) != 0;
        own.add(other);
        return own;
    };
    for (int offset = kWarp / 2; offset > 0; offset /= 2) found = shuffled(found, offset);
    if (threadIdx.x % kWarp == 0) of_warps[threadIdx.x / kWarp] = found;
    __syncthreads();
    if (threadIdx.x == 0)
        for (unsigned warp = 1; warp < (blockDim.x + kWarp - 1) / kWarp; ++warp) found.add(of_warps[warp]);
    __syncthreads();
    return found;
}

/// Integers order floats of one sign as floats do.
__device__ inline void lower(float* place, float value) {
    if (signbit(value))
        atomicMax(reinterpret_cast<unsigned*>(place), __float_as_uint(value));
    else
        atomicMin(reinterpret_cast<int*>(place), __float_as_int(value));
}
__device__ inline void raise(float* place, float value) {
    if (signbit(value))
        atomicMin(reinterpret_cast<unsigned*>(place), __float_as_uint(value));
    else
        atomicMax(reinterpret_cast<int*>(place), __float_as_int(value));
}

/// Folds what the block found into `seen` (may be null) and `broken`. All threads of the block.
__device__ inline void fold(Found found, float* seen, std::int32_t* broken, std::int32_t mark) {
    found = found_in_block(found);
    if (threadIdx.x != 0) return;
    if (!found.is_finite) atomicMax(broken, mark);
    if (seen == nullptr || !found.is_finite || !(found.least <= found.most)) return;
    lower(seen, found.least);
    raise(seen + 1, found.most);
}

}  // namespace fairsweep::cuda
