#pragma once
/// What the operations of any device must give: bit for bit what the processor's give.
#include <torch/torch.h>

#include "device/device_ops.hpp"

namespace fairsweep {

/// `ops` on tensors of `device`. Sizes are small enough for the double of CUDA. `has_exact_functions`: exp and log of the device
/// round as the processor's do.
void compare_with_processor(const DeviceOps& ops, torch::Device device, bool has_exact_functions);

/// Sizes at which a launch of the GPU goes round more than once.
void compare_large(const DeviceOps& ops, torch::Device device);

}  // namespace fairsweep
