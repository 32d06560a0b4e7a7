#pragma once
/// A double of CUDA's way to run kernels, on the processor: a block is so many threads that live through all blocks of a launch, one block
/// after another; `__shared__` is static, barriers and warps are real. It shows that kernels compute what they should, and that their
/// threads meet where they have to. It shows nothing of speed, and no race that needs two blocks at once.
#include <array>
#include <atomic>
#include <barrier>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __grid_constant__

using cudaStream_t = void*;
inline int cudaGetLastError() { return 0; }

namespace cuda_on_host {

constexpr unsigned kWarp = 32;

struct Index {
    unsigned x = 0;
};

/// What the threads of a block share.
struct Block {
    explicit Block(unsigned threads)
        : all(static_cast<std::ptrdiff_t>(threads)), votes(threads), values((threads + kWarp - 1) / kWarp) {
        for (unsigned begin = 0; begin < threads; begin += kWarp)
            warps.push_back(std::make_unique<std::barrier<>>(static_cast<std::ptrdiff_t>(std::min(kWarp, threads - begin))));
    }
    std::barrier<> all;
    std::vector<std::unique_ptr<std::barrier<>>> warps{};
    std::vector<int> votes;
    std::vector<std::array<std::uint64_t, kWarp>> values;
};

inline thread_local Block* block = nullptr;

template <class T>
std::array<T, kWarp> of_warp(T value, unsigned thread) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    const unsigned warp = thread / kWarp;
    std::memcpy(&block->values[warp][thread % kWarp], &value, sizeof(T));
    block->warps[warp]->arrive_and_wait();
    std::array<T, kWarp> all{};
    for (unsigned lane = 0; lane < kWarp; ++lane) std::memcpy(&all[lane], &block->values[warp][lane], sizeof(T));
    block->warps[warp]->arrive_and_wait();
    return all;
}

template <class T, class Choose>
T atomically(T* place, T value, const Choose& choose) {
    std::atomic_ref<T> shared(*place);
    T before = shared.load();
    while (!shared.compare_exchange_weak(before, choose(before, value))) {
    }
    return before;
}

}  // namespace cuda_on_host

inline thread_local cuda_on_host::Index threadIdx, blockIdx, blockDim, gridDim;

inline void __syncthreads() { cuda_on_host::block->all.arrive_and_wait(); }
inline bool __syncthreads_and(bool vote) {
    cuda_on_host::block->votes[threadIdx.x] = vote ? 1 : 0;
    __syncthreads();
    bool all = true;
    for (const int one : cuda_on_host::block->votes) all = all && one != 0;
    __syncthreads();
    return all;
}
template <class T>
T __shfl_down_sync(unsigned, T value, int offset) {
    const unsigned lane = threadIdx.x % cuda_on_host::kWarp, from = lane + static_cast<unsigned>(offset);
    return cuda_on_host::of_warp(value, threadIdx.x)[from < cuda_on_host::kWarp ? from : lane];
}
inline unsigned __ballot_sync(unsigned, bool vote) {
    unsigned bits = 0;
    const auto votes = cuda_on_host::of_warp<std::uint8_t>(vote ? 1 : 0, threadIdx.x);
    for (unsigned lane = 0; lane < cuda_on_host::kWarp; ++lane) bits |= static_cast<unsigned>(votes[lane]) << lane;
    return bits;
}
template <class T>
T atomicMin(T* place, T value) {
    return cuda_on_host::atomically(place, value, [](T a, T b) { return b < a ? b : a; });
}
template <class T>
T atomicMax(T* place, T value) {
    return cuda_on_host::atomically(place, value, [](T a, T b) { return a < b ? b : a; });
}
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
using std::isfinite;
using std::signbit;

namespace fairsweep::cuda {

template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), unsigned blocks, unsigned threads, void*, const Arguments&... arguments) {
    cuda_on_host::Block shared(threads);
    const auto run = [&](unsigned thread) {
        cuda_on_host::block = &shared;
        threadIdx = {thread}, blockDim = {threads}, gridDim = {blocks};
        for (unsigned index = 0; index < blocks; ++index) {
            blockIdx = {index};
            kernel(arguments...);
            __syncthreads();
        }
    };
    std::vector<std::jthread> team;
    for (unsigned thread = 0; thread < threads; ++thread) team.emplace_back(run, thread);
    return 0;
}

}  // namespace fairsweep::cuda
