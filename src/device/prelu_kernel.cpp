#include "device/prelu_kernel.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <type_traits>
#include <vector>

// Plain loops that the compiler vectorises (products are computed for every lane, then chosen: it makes no branch of them),
// compiled once per instruction set (this file has -O3, -ffp-contract=off): every lane computes what the scalar code computes, so
// results do not depend on the instruction set.
namespace fairsweep {
namespace {

[[gnu::always_inline]] inline float load(float value) { return value; }
[[gnu::always_inline]] inline float load(Bfloat16 value) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}
[[gnu::always_inline]] inline void store(float& place, float value) { place = value; }
/// To nearest, halves to even. A NaN keeps its upper bits, made quiet.
[[gnu::always_inline]] inline void store(Bfloat16& place, float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
    const std::uint32_t quiet = (bits >> 16) | 0x40U;
    place.bits = static_cast<std::uint16_t>((bits & 0x7fffffffU) > 0x7f800000U ? quiet : rounded);
}

template <class T>
[[gnu::always_inline]] inline void forward_body(const T* x, const float* slopes, T* y, std::size_t rows, std::size_t channels) {
    if (channels == 1) {
        const float slope = slopes[0];
#pragma GCC ivdep
        for (std::size_t i = 0; i < rows; ++i) {
            const float v = load(x[i]), scaled = slope * v;
            store(y[i], v > 0.0F ? v : scaled);
        }
        return;
    }
    for (std::size_t row = 0; row < rows; ++row, x += channels, y += channels) {
#pragma GCC ivdep
        for (std::size_t c = 0; c < channels; ++c) {
            const float v = load(x[c]), scaled = slopes[c] * v;
            store(y[c], v > 0.0F ? v : scaled);
        }
    }
}

/// Sums in float over few rows, then in double over those sums: exact enough for any image size.
constexpr std::size_t kRowsInFloat = 64;
constexpr std::size_t kPlaneLanes = 16;

template <class T>
[[gnu::always_inline]] inline void backward_plane(const T* x, const T* g, float slope, T* dx, double& sum, std::size_t count) {
    std::size_t i = 0;
    while (i + kPlaneLanes <= count) {
        std::array<float, kPlaneLanes> lanes{};
        const std::size_t end = std::min(count, i + kRowsInFloat * kPlaneLanes);
        for (; i + kPlaneLanes <= end; i += kPlaneLanes) {
#pragma GCC ivdep
            for (std::size_t l = 0; l < kPlaneLanes; ++l) {
                const float v = load(x[i + l]), d = load(g[i + l]), scaled = slope * d, product = v * d;
                store(dx[i + l], v > 0.0F ? d : scaled);
                lanes[l] += v > 0.0F ? 0.0F : product;
            }
        }
        for (const float lane : lanes) sum += static_cast<double>(lane);
    }
    for (; i < count; ++i) {
        const float v = load(x[i]), d = load(g[i]);
        store(dx[i], v > 0.0F ? d : slope * d);
        if (!(v > 0.0F)) sum += static_cast<double>(v * d);
    }
}

template <class T>
[[gnu::always_inline]] inline void backward_body(const T* x, const T* g, const float* slopes, T* dx, double* slope_gradient,
                                                 std::size_t rows, std::size_t channels) {
    if (channels == 1) return backward_plane(x, g, slopes[0], dx, slope_gradient[0], rows);
    std::vector<float> sums(channels);
    float* const sum = sums.data();
    for (std::size_t begin = 0; begin < rows; begin += kRowsInFloat) {
        std::fill(sums.begin(), sums.end(), 0.0F);
        const std::size_t end = std::min(rows, begin + kRowsInFloat);
        for (std::size_t row = begin; row < end; ++row, x += channels, g += channels, dx += channels) {
#pragma GCC ivdep
            for (std::size_t c = 0; c < channels; ++c) {
                const float v = load(x[c]), d = load(g[c]), scaled = slopes[c] * d, product = v * d;
                store(dx[c], v > 0.0F ? d : scaled);
                sum[c] += v > 0.0F ? 0.0F : product;
            }
        }
        for (std::size_t c = 0; c < channels; ++c) slope_gradient[c] += static_cast<double>(sum[c]);
    }
}

#if defined(__x86_64__)
#define FAIRSWEEP_AVX2 gnu::target("avx2")
#define FAIRSWEEP_AVX512 gnu::target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
template <class T>
[[FAIRSWEEP_AVX2]] void forward_avx2(const T* x, const float* slopes, T* y, std::size_t rows, std::size_t channels) {
    forward_body(x, slopes, y, rows, channels);
}
template <class T>
[[FAIRSWEEP_AVX512]] void forward_avx512(const T* x, const float* slopes, T* y, std::size_t rows, std::size_t channels) {
    forward_body(x, slopes, y, rows, channels);
}
template <class T>
[[FAIRSWEEP_AVX2]] void backward_avx2(const T* x, const T* gradient, const float* slopes, T* dx, double* slope_gradient,
                                      std::size_t rows, std::size_t channels) {
    backward_body(x, gradient, slopes, dx, slope_gradient, rows, channels);
}
template <class T>
[[FAIRSWEEP_AVX512]] void backward_avx512(const T* x, const T* gradient, const float* slopes, T* dx, double* slope_gradient,
                                          std::size_t rows, std::size_t channels) {
    backward_body(x, gradient, slopes, dx, slope_gradient, rows, channels);
}

bool has_avx2() {
    static const bool has = __builtin_cpu_supports("avx2") != 0;
    return has;
}
/// float is bound by memory with AVX2 already; the rounding of bfloat16 is not.
template <class T>
bool is_for_avx512() {
    static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return has && std::is_same_v<T, Bfloat16>;
}
#endif

}  // namespace

template <class T>
void prelu_forward(const T* x, const float* slopes, T* y, std::size_t rows, std::size_t channels) {
#if defined(__x86_64__)
    if (is_for_avx512<T>()) return forward_avx512(x, slopes, y, rows, channels);
    if (has_avx2()) return forward_avx2(x, slopes, y, rows, channels);
#endif
    forward_body(x, slopes, y, rows, channels);
}

template <class T>
void prelu_backward(const T* x, const T* gradient, const float* slopes, T* x_gradient, double* slope_gradient, std::size_t rows,
                    std::size_t channels) {
#if defined(__x86_64__)
    if (is_for_avx512<T>()) return backward_avx512(x, gradient, slopes, x_gradient, slope_gradient, rows, channels);
    if (has_avx2()) return backward_avx2(x, gradient, slopes, x_gradient, slope_gradient, rows, channels);
#endif
    backward_body(x, gradient, slopes, x_gradient, slope_gradient, rows, channels);
}

template void prelu_forward(const float*, const float*, float*, std::size_t, std::size_t);
template void prelu_forward(const Bfloat16*, const float*, Bfloat16*, std::size_t, std::size_t);
template void prelu_backward(const float*, const float*, const float*, float*, double*, std::size_t, std::size_t);
template void prelu_backward(const Bfloat16*, const Bfloat16*, const float*, Bfloat16*, double*, std::size_t, std::size_t);

}  // namespace fairsweep
