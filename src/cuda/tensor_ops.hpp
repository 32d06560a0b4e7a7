#pragma once
/// The operations of device_ops.hpp on torch's tensors by way of kernels.hpp. What is CUDA's own stands behind two functions, so that
/// tests can run all of it on the processor (tests/support/cuda_on_host.hpp).
#include <torch/types.h>

#include "cuda/kernels.hpp"
#include "device/device_ops.hpp"

namespace fairsweep::cuda {

[[nodiscard]] const DeviceOps& ops();

/// The stream that torch computes on, on the device of x. Not in tensor_ops.cpp.
[[nodiscard]] Stream stream_of(const torch::Tensor& x);
[[nodiscard]] const char* error_text(int error);

}  // namespace fairsweep::cuda
