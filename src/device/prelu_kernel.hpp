#pragma once
/// The arithmetic of PReLU on plain memory: no torch here. A matrix of `rows` pixels, `channels` values each (channels-last),
/// or one plane of one channel (rows = pixels, channels = 1).
#include <cstddef>
#include <cstdint>

namespace fairsweep {

struct Bfloat16 {
    std::uint16_t bits;
};

/// y may be x.
template <class T>
void prelu_forward(const T* x, const float* slopes, T* y, std::size_t rows, std::size_t channels);

/// Adds to slope_gradient[channels].
template <class T>
void prelu_backward(const T* x, const T* gradient, const float* slopes, T* x_gradient, double* slope_gradient, std::size_t rows,
                    std::size_t channels);

}  // namespace fairsweep
