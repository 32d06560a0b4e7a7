#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "device/cpu_ops.hpp"
#include "device/prelu_kernel.hpp"
#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

constexpr std::int64_t kGrainValues = 1 << 15;

/// How an activation lies in memory: one matrix [pixels, channels], or planes of one channel each.
struct Layout {
    bool channels_last = false;
    std::int64_t channels = 0;
    std::int64_t pixels = 0;  ///< batch * rows * cols
    std::int64_t plane = 0;   ///< rows * cols
};

Layout layout_of(const torch::Tensor& x) {
    Layout layout;
    layout.channels_last = x.dim() == 4 && x.is_contiguous(torch::MemoryFormat::ChannelsLast);
    layout.channels = x.size(1);
    layout.pixels = layout.channels == 0 ? 0 : x.numel() / layout.channels;
    layout.plane = x.size(0) == 0 ? 0 : layout.pixels / x.size(0);
    return layout;
}

template <class T>
const T* data_of(const torch::Tensor& x) {
    return static_cast<const T*>(x.const_data_ptr());
}

template <class T>
void prelu_forward_of(const torch::Tensor& x, const float* slopes, const torch::Tensor& y) {
    const Layout l = layout_of(x);
    const T* in = data_of<T>(x);
    T* out = static_cast<T*>(y.data_ptr());
    if (l.channels_last) {
        at::parallel_for(0, l.pixels, std::max<std::int64_t>(1, kGrainValues / l.channels),
                         [&](std::int64_t begin, std::int64_t end) {
                             prelu_forward(in + begin * l.channels, slopes, out + begin * l.channels,
                                           static_cast<std::size_t>(end - begin), static_cast<std::size_t>(l.channels));
                         });
        return;
    }
    at::parallel_for(0, x.size(0) * l.channels, std::max<std::int64_t>(1, kGrainValues / std::max<std::int64_t>(1, l.plane)),
                     [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t p = begin; p < end; ++p)
                             prelu_forward(in + p * l.plane, slopes + p % l.channels, out + p * l.plane,
                                           static_cast<std::size_t>(l.plane), 1);
                     });
}

/// Each thread sums into its own row of `sums` [threads, channels].
template <class T>
void prelu_backward_of(const torch::Tensor& x, const torch::Tensor& gradient, const float* slopes, const torch::Tensor& x_gradient,
              std::vector<double>& sums) {
    const Layout l = layout_of(x);
    const T* in = data_of<T>(x);
    const T* g = data_of<T>(gradient);
    T* out = static_cast<T*>(x_gradient.data_ptr());
    const auto own_sums = [&] { return sums.data() + static_cast<std::int64_t>(at::get_thread_num()) * l.channels; };
    if (l.channels_last) {
        at::parallel_for(0, l.pixels, std::max<std::int64_t>(1, kGrainValues / l.channels),
                         [&](std::int64_t begin, std::int64_t end) {
                             const std::int64_t at = begin * l.channels;
                             prelu_backward(in + at, g + at, slopes, out + at, own_sums(), static_cast<std::size_t>(end - begin),
                                            static_cast<std::size_t>(l.channels));
                         });
        return;
    }
    at::parallel_for(0, x.size(0) * l.channels, std::max<std::int64_t>(1, kGrainValues / std::max<std::int64_t>(1, l.plane)),
                     [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t p = begin; p < end; ++p)
                             prelu_backward(in + p * l.plane, g + p * l.plane, slopes + p % l.channels, out + p * l.plane,
                                            own_sums() + p % l.channels, static_cast<std::size_t>(l.plane), 1);
                     });
}

constexpr std::int64_t kColours = 3;

/// In float, as the reference computes it.
std::array<float, 256> pixel_values() {
    std::array<float, 256> values{};
    for (std::size_t v = 0; v < values.size(); ++v) values[v] = (static_cast<float>(v) / 255.0F - 0.5F) / 0.5F;
    return values;
}

/// One face, `size` rows and columns.
void image_on_cpu(const std::uint8_t* in, bool flip, std::int64_t size, float* out) {
    static const std::array<float, 256> kValues = pixel_values();
    if (!flip) {
        for (std::int64_t i = 0; i < size * size * kColours; ++i) out[i] = kValues[in[i]];
        return;
    }
    for (std::int64_t row = 0; row < size; ++row)
        for (std::int64_t col = 0; col < size; ++col, out += kColours) {
            const std::uint8_t* pixel = in + (row * size + size - 1 - col) * kColours;
            for (std::int64_t c = 0; c < kColours; ++c) out[c] = kValues[pixel[c]];
        }
}

}  // namespace

void prelu_forward_on_cpu(const torch::Tensor& x, const torch::Tensor& slopes, const torch::Tensor& y) {
    if (x.scalar_type() == torch::kBFloat16) {
        prelu_forward_of<Bfloat16>(x, slopes.const_data_ptr<float>(), y);
    } else {
        prelu_forward_of<float>(x, slopes.const_data_ptr<float>(), y);
    }
}

void prelu_backward_on_cpu(const torch::Tensor& x, const torch::Tensor& gradient, const torch::Tensor& slopes,
                           const torch::Tensor& x_gradient, const torch::Tensor& slope_gradient) {
    const std::int64_t channels = x.size(1);
    const int threads = at::get_num_threads();
    std::vector<double> sums(static_cast<std::size_t>(threads * channels));
    if (x.scalar_type() == torch::kBFloat16) {
        prelu_backward_of<Bfloat16>(x, gradient, slopes.const_data_ptr<float>(), x_gradient, sums);
    } else {
        prelu_backward_of<float>(x, gradient, slopes.const_data_ptr<float>(), x_gradient, sums);
    }
    for (std::int64_t c = 0; c < channels; ++c) {
        double sum = 0.0;
        for (int t = 0; t < threads; ++t) sum += sums[static_cast<std::size_t>(t * channels + c)];
        slope_gradient.data_ptr<float>()[c] = static_cast<float>(sum);
    }
}

void images_on_cpu(const torch::Tensor& pixels, const torch::Tensor& flips, const torch::Tensor& out) {
    const std::int64_t size = pixels.size(1), face = size * size * kColours;
    FAIRSWEEP_CHECK(pixels.size(2) == size && pixels.size(3) == kColours && out.numel() == pixels.numel(), "images of one shape");
    const auto* const in = pixels.const_data_ptr<std::uint8_t>();
    const bool* const flip = flips.const_data_ptr<bool>();
    float* const to = out.data_ptr<float>();
    at::parallel_for(0, pixels.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) image_on_cpu(in + i * face, flip[i], size, to + i * face);
    });
}

}  // namespace fairsweep
