#pragma once
/// The operations of device_ops.hpp and the adding of collectives as kernels of CUDA, on plain memory of the device: no torch here,
/// whose headers cost a .cu half a minute. Every function queues on `stream` and returns CUDA's error code; none waits. Arithmetic is that
/// of fake_quant_arithmetic.hpp and combine.hpp; sums are made in an order that depends on shapes alone.
#include <cstddef>
#include <cstdint>
#include <span>

#include "device/fake_quant_arithmetic.hpp"
#include "fairsweep/collective.hpp"
#include "fairsweep/host_device.hpp"

namespace fairsweep::cuda {

using Stream = void*;

/// GridTensors of device_ops.hpp by pointer.
struct Grid {
    GridSource source = GridSource::symmetric_range;
    int bits = 8;
    const float *first = nullptr, *second = nullptr;
};

struct RangeUpdate {
    UpdateRule rule = UpdateRule::keep;
    GridKind grid = GridKind::asymmetric;
    int bits = 8;
    float share = 1.0F;
    float *seen = nullptr, *min = nullptr, *max = nullptr;
    float *log_step = nullptr, *zero_point = nullptr;  ///< may be null
};

struct WeightJob {
    WeightSource grid_source = WeightSource::quantface_range;
    GridKind grid = GridKind::asymmetric;
    int bits = 8;
    std::int32_t rows = 1, row_size = 0;
    const float* source = nullptr;
    float* out = nullptr;
    const float *steps = nullptr, *zero_points = nullptr;
    std::uint16_t* kept = nullptr;  ///< may be null
};

enum class Real : std::uint8_t { float32, bfloat16 };

/// How activations lie: matrix[pixels, channels] where channels are last, else planes[images, channels, plane].
struct Activations {
    Real type = Real::float32;
    bool channels_last = false;
    std::int64_t channels = 0, pixels = 0, plane = 0;
    [[nodiscard]] FAIRSWEEP_HOST_DEVICE std::int64_t count() const { return pixels * channels; }
};

/// `seen` may be null.
int observe(const float* x, std::int64_t count, float* seen, std::int32_t* broken, Stream stream);
int widen(float* seen, float* min, float* max, Stream stream);
int quantise_scaled(float* x, std::int64_t count, const float* min, const float* max, int bits, std::int32_t* broken, Stream stream);
/// `kept` and `seen` may be null.
int quantise_stepped(const float* x, float* out, std::uint16_t* kept, std::int64_t count, const Grid& grid, float* seen,
                     std::int32_t* broken, Stream stream);
int masked_gradient(const float* gradient, const std::uint16_t* kept, float* out, std::int64_t rows, std::int64_t row_size,
                    Stream stream);
/// Bytes of scratch memory that learned_gradient() needs.
[[nodiscard]] std::size_t learned_scratch_bytes(std::int64_t rows, std::int64_t row_size);
int learned_gradient(const float* x, const float* gradient, float* out, const Grid& grid, std::int64_t rows, std::int64_t row_size,
                     float* step_gradient, void* scratch, Stream stream);
int update_ranges(std::span<const RangeUpdate> updates, Stream stream);
int quantise_weights(std::span<const WeightJob> jobs, std::int32_t* first_broken, Stream stream);
int prelu_forward(const void* x, const float* slopes, void* y, const Activations& shape, Stream stream);
[[nodiscard]] std::size_t prelu_scratch_bytes(const Activations& shape);
int prelu_backward(const void* x, const void* gradient, const float* slopes, void* x_gradient, float* slope_gradient,
                   const Activations& shape, void* scratch, Stream stream);
/// `pixels` [images, size, size, 3].
int images(const std::uint8_t* pixels, const bool* flips, float* out, std::int64_t images, std::int64_t size, Stream stream);
/// left = left (+, min, max) right.
int combine(void* left, const void* right, std::size_t count, Scalar type, Reduction reduction, Stream stream);

}  // namespace fairsweep::cuda
