#pragma once
/// The operations of device_ops.hpp on the processor that fill more than one file.
#include <torch/torch.h>

namespace fairsweep {

void prelu_forward_on_cpu(const torch::Tensor& x, const torch::Tensor& slopes, const torch::Tensor& y);
void prelu_backward_on_cpu(const torch::Tensor& x, const torch::Tensor& gradient, const torch::Tensor& slopes,
                           const torch::Tensor& x_gradient, const torch::Tensor& slope_gradient);
void images_on_cpu(const torch::Tensor& pixels, const torch::Tensor& flips, const torch::Tensor& out);

}  // namespace fairsweep
