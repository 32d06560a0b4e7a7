#pragma once
/// Where a stage computes: recipe.device.
#include <torch/torch.h>

#include <vector>

#include "collective/nccl_device.hpp"
#include "fairsweep/sweep.hpp"
#include "study/tensors.hpp"

namespace fairsweep {

/// The processor, or this process's own GPU (device/gpu.hpp), made ready for the calling thread; and whether products of float32 are
/// TF32 there from now on. Throws an infrastructure error where there is no GPU to be had.
[[nodiscard]] torch::Device open_device(const Recipe& recipe, const std::string& precision);

/// Memory that torch keeps on the GPU for later goes back to it.
void release_device_memory();
/// The same after a stage; where it has failed, false when the GPU answers no call any more: its errors stay until the process ends.
[[nodiscard]] bool leave_device(bool has_failed);

/// A few numbers on their way from a device to the host, which goes on meanwhile.
class LateNumbers {
public:
    /// `numbers`: float32 [any], on the device of open_device().
    explicit LateNumbers(const torch::Tensor& numbers);
    /// Waits until the device has got that far.
    [[nodiscard]] std::vector<double> read() const;

private:
    torch::Tensor host_;
    DeviceEvent arrived_;
};

}  // namespace fairsweep
