#include "model/prelu.hpp"

#include <ATen/record_function.h>

#include "device/device_ops.hpp"
#include "device/memory_layout.hpp"

namespace fairsweep {
namespace {

struct PReluFunction : torch::autograd::Function<PReluFunction> {
    static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& any,
                                 const torch::Tensor& slopes) {
        const torch::Tensor x = with_whole_rows(any);
        context->save_for_backward({x, slopes});
        torch::Tensor y = torch::empty_like(x);
        ops_of(x).prelu_forward(x, slopes, y);
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
        const torch::Tensor slope_gradient = torch::empty_like(slopes);
        ops_of(x).prelu_backward(x, upstream, slopes, x_gradient, slope_gradient);
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
    ops_of(y).prelu_forward(y, slopes.contiguous(), y);
    return y;
}

}  // namespace fairsweep
