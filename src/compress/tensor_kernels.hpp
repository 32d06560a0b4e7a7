#pragma once
/// The loops of fake_quant_kernel.hpp over whole tensors, in parallel. Tensors are float32 and dense in memory, and all of one
/// call have the same layout; results do not depend on the number of threads. No gradients are recorded here.
#include <torch/torch.h>

#include "compress/fake_quant_kernel.hpp"

namespace fairsweep {

[[nodiscard]] ValueRange range_of_tensor(const torch::Tensor& x);

/// False when a value is NaN or infinite. In place: a fresh tensor for each activation costs more than the arithmetic.
[[nodiscard]] bool quantise_in_place(const torch::Tensor& x, const QuantiserScale& scale);

/// Quantises x into `out` (x itself, or as large as x), its mask into `kept` (int16 [mask_words(numel)]; undefined: not wanted).
/// Returns the range of x.
ValueRange quantise_into(const torch::Tensor& x, const torch::Tensor& out, const torch::Tensor& kept, const StepGrid& grid);

void masked_gradient_into(const torch::Tensor& gradient, const torch::Tensor& kept, const torch::Tensor& out);

LearnedSums learned_gradient_into(const torch::Tensor& x, const torch::Tensor& gradient, const torch::Tensor& out,
                                  const StepGrid& grid);

}  // namespace fairsweep
