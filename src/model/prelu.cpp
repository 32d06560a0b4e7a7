#include "model/prelu.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>

#include <vector>

#include "model/memory_layout.hpp"
#include "model/prelu_kernel.hpp"

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
void forward(const torch::Tensor& x, const float* slopes, const torch::Tensor& y) {
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
void backward(const torch::Tensor& x, const torch::Tensor& gradient, const float* slopes, const torch::Tensor& x_gradient,
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

void forward_any(const torch::Tensor& x, const torch::Tensor& slopes, const torch::Tensor& y) {
    if (x.scalar_type() == torch::kBFloat16) {
        forward<Bfloat16>(x, slopes.const_data_ptr<float>(), y);
    } else {
        forward<float>(x, slopes.const_data_ptr<float>(), y);
    }
}

struct PReluFunction : torch::autograd::Function<PReluFunction> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& any,
                                 const torch::Tensor& slopes) {
        const torch::Tensor x = with_whole_rows(any);
        context->save_for_backward({x, slopes});
        torch::Tensor y = torch::empty_like(x);
        forward_any(x, slopes, y);
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const auto saved = context->get_saved_variables();
        const torch::Tensor &x = saved[0], &slopes = saved[1];
        const torch::Tensor x_gradient = torch::empty_like(x);
        // The upstream gradient in x's layout: a copy only where the operation behind changed it.
        const torch::Tensor upstream =
            gradients[0].strides() == x.strides() ? gradients[0] : torch::empty_like(x).copy_(gradients[0]);
        const std::int64_t channels = x.size(1);
        const int threads = at::get_num_threads();
        std::vector<double> sums(static_cast<std::size_t>(threads * channels));
        if (x.scalar_type() == torch::kBFloat16) {
            fairsweep::backward<Bfloat16>(x, upstream, slopes.const_data_ptr<float>(), x_gradient, sums);
        } else {
            fairsweep::backward<float>(x, upstream, slopes.const_data_ptr<float>(), x_gradient, sums);
        }
        torch::Tensor slope_gradient = torch::empty({channels});
        for (std::int64_t c = 0; c < channels; ++c) {
            double sum = 0.0;
            for (int t = 0; t < threads; ++t) sum += sums[static_cast<std::size_t>(t * channels + c)];
            slope_gradient.data_ptr<float>()[c] = static_cast<float>(sum);
        }
        return {x_gradient, slope_gradient};
    }
};

void check_arguments(const torch::Tensor& x, const torch::Tensor& slopes) {
    TORCH_CHECK(x.dim() >= 2 && slopes.dim() == 1 && slopes.size(0) == x.size(1), "one slope for each channel");
    TORCH_CHECK(slopes.scalar_type() == torch::kFloat, "float32 slopes");
    TORCH_CHECK(x.scalar_type() == torch::kFloat || x.scalar_type() == torch::kBFloat16, "float32 or bfloat16 activations");
}

}  // namespace

torch::Tensor prelu(const torch::Tensor& x, const torch::Tensor& slopes) {
    check_arguments(x, slopes);
    RECORD_FUNCTION("fairsweep::prelu", c10::ArrayRef<const c10::IValue>{});
    return PReluFunction::apply(x, slopes.contiguous());
}

torch::Tensor prelu_in_place(const torch::Tensor& x, const torch::Tensor& slopes) {
    check_arguments(x, slopes);
    RECORD_FUNCTION("fairsweep::prelu", c10::ArrayRef<const c10::IValue>{});
    const torch::Tensor y = with_whole_rows(x);
    forward_any(y, slopes.contiguous(), y);
    return y;
}

}  // namespace fairsweep
