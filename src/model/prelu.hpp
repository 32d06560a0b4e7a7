#pragma once
/// PReLU (He et al., ICCV 2015) with its gradient in one pass. LibTorch's own writes the slopes' gradient at the size of the
/// activation and adds it up afterwards: a third of a training step of MobileFaceNet.
#include <torch/torch.h>

namespace fairsweep {

/// x [batch, channels, rows, cols], float32 or bfloat16; slopes float32 [channels]. y = x where x > 0, else slope * x, in x's
/// type and layout (channels-last stays so; anything else that is not contiguous is copied). Gradients: of x in x's type; of
/// the slopes float32, sums over batch, rows and columns in an order that depends on the number of threads alone.
[[nodiscard]] torch::Tensor prelu(const torch::Tensor& x, const torch::Tensor& slopes);

/// The same values, written over x where x is plain or channels-last (else to a copy). Records no gradient.
[[nodiscard]] torch::Tensor prelu_in_place(const torch::Tensor& x, const torch::Tensor& slopes);

}  // namespace fairsweep
