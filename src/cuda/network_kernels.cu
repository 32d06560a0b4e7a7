// Compiled with --fmad=false.
#include "collective/combine.hpp"
#include "collective/half.hpp"
#include "cuda/kernels.cuh"
#include "cuda/kernels.hpp"

namespace fairsweep::cuda {
namespace {

struct Bfloat16 {
    std::uint16_t bits;
};
__device__ float load(float value) { return value; }
__device__ float load(Bfloat16 value) { return float_of_bf16(value.bits); }
__device__ void store(float& place, float value) { place = value; }
__device__ void store(Bfloat16& place, float value) { place.bits = bf16_of_float(value); }

__device__ std::int64_t channel_of(const Activations& shape, std::int64_t i) {
    return shape.channels_last ? i % shape.channels : i / shape.plane % shape.channels;
}

template <class T>
__global__ void prelu_forward_kernel(const T* x, const float* slopes, T* y, Activations shape) {
    for (std::int64_t i = first_index(); i < shape.count(); i += index_stride()) {
        const float value = load(x[i]), scaled = slopes[channel_of(shape, i)] * value;
        store(y[i], value > 0.0F ? value : scaled);
    }
}

template <class T>
__global__ void prelu_gradient_kernel(const T* x, const T* gradient, const float* slopes, T* x_gradient, Activations shape) {
    for (std::int64_t i = first_index(); i < shape.count(); i += index_stride()) {
        const float upstream = load(gradient[i]), scaled = slopes[channel_of(shape, i)] * upstream;
        store(x_gradient[i], load(x[i]) > 0.0F ? upstream : scaled);
    }
}

// Pixels whose part of a slope's gradient one thread adds: the order is fixed by the shape.
constexpr std::int64_t kPixels = 256;

__host__ __device__ std::int64_t chunks_of(const Activations& shape) { return (shape.pixels + kPixels - 1) / kPixels; }

/// Thread = channel of a chunk of pixels: sums [chunks, channels].
template <class T>
__global__ void slope_parts_kernel(const T* x, const T* gradient, Activations shape, double* sums) {
    for (std::int64_t i = first_index(); i < chunks_of(shape) * shape.channels; i += index_stride()) {
        const std::int64_t channel = i % shape.channels, first = i / shape.channels * kPixels;
        const std::int64_t end = first + kPixels < shape.pixels ? first + kPixels : shape.pixels;
        float sum = 0.0F;
        for (std::int64_t pixel = first; pixel < end; ++pixel) {
            const std::int64_t at = shape.channels_last
                                        ? pixel * shape.channels + channel
                                        : (pixel / shape.plane * shape.channels + channel) * shape.plane + pixel % shape.plane;
            const float value = load(x[at]), product = value * load(gradient[at]);
            sum += value > 0.0F ? 0.0F : product;
        }
        sums[i] = static_cast<double>(sum);
    }
}

__global__ void slope_sums_kernel(const double* parts, Activations shape, float* slope_gradient) {
    for (std::int64_t channel = first_index(); channel < shape.channels; channel += index_stride()) {
        double sum = 0.0;
        for (std::int64_t chunk = 0; chunk < chunks_of(shape); ++chunk) sum += parts[chunk * shape.channels + channel];
        slope_gradient[channel] = static_cast<float>(sum);
    }
}

__global__ void images_kernel(const std::uint8_t* pixels, const bool* flips, float* out, std::int64_t count, std::int64_t size) {
    constexpr std::int64_t colours = 3;
    for (std::int64_t i = first_index(); i < count * size * size * colours; i += index_stride()) {
        const std::int64_t colour = i % colours, col = i / colours % size, row = i / colours / size;  // row: of all images
        const std::int64_t from = flips[row / size] ? size - 1 - col : col;
        const auto value = static_cast<float>(pixels[(row * size + from) * colours + colour]);
        out[i] = (value / 255.0F - 0.5F) / 0.5F;
    }
}

template <class T, class Combine>
__global__ void combine_kernel(T* left, const T* right, std::int64_t count) {
    for (std::int64_t i = first_index(); i < count; i += index_stride()) left[i] = Combine::of(left[i], right[i]);
}

template <class Visit>
int with_type(Real type, const Visit& visit) {
    return type == Real::bfloat16 ? visit(Bfloat16{}) : visit(float{});
}

}  // namespace

int prelu_forward(const void* x, const float* slopes, void* y, const Activations& shape, Stream stream) {
    return with_type(shape.type, [&]<class T>(T) {
        return launch(prelu_forward_kernel<T>, blocks_for(shape.count()), kThreads, stream, static_cast<const T*>(x), slopes,
                      static_cast<T*>(y), shape);
    });
}

std::size_t prelu_scratch_bytes(const Activations& shape) {
    return static_cast<std::size_t>(chunks_of(shape) * shape.channels) * sizeof(double);
}

int prelu_backward(const void* x, const void* gradient, const float* slopes, void* x_gradient, float* slope_gradient,
                   const Activations& shape, void* scratch, Stream stream) {
    return with_type(shape.type, [&]<class T>(T) {
        const auto* const from = static_cast<const T*>(x);
        const auto* const upstream = static_cast<const T*>(gradient);
        auto* const parts = static_cast<double*>(scratch);
        const std::int64_t sums = chunks_of(shape) * shape.channels;
        int error = launch(prelu_gradient_kernel<T>, blocks_for(shape.count()), kThreads, stream, from, upstream, slopes,
                           static_cast<T*>(x_gradient), shape);
        if (error == 0) error = launch(slope_parts_kernel<T>, blocks_for(sums), kThreads, stream, from, upstream, shape, parts);
        if (error == 0) error = launch(slope_sums_kernel, blocks_for(shape.channels), kThreads, stream, parts, shape, slope_gradient);
        return error;
    });
}

int images(const std::uint8_t* pixels, const bool* flips, float* out, std::int64_t count, std::int64_t size, Stream stream) {
    return launch(images_kernel, blocks_for(count * size * size * 3), kThreads, stream, pixels, flips, out, count, size);
}

int combine(void* left, const void* right, std::size_t count, Scalar type, Reduction reduction, Stream stream) {
    const auto elements = static_cast<std::int64_t>(count);
    int error = 0;
    combining::with(type, reduction, [&]<class T, class Combine>(combining::Operation<T, Combine>) {
        error = launch(combine_kernel<T, Combine>, blocks_for(elements), kThreads, stream, static_cast<T*>(left),
                       static_cast<const T*>(right), elements);
    });
    return error;
}

}  // namespace fairsweep::cuda
