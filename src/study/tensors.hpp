#pragma once
/// Faces to network input.
#include <torch/torch.h>

#include <cstdint>
#include <span>

namespace fairsweep {

/// A tensor of the processor on `device`, without waiting where it is pinned.
[[nodiscard]] inline torch::Tensor on_device(const torch::Tensor& host, torch::Device device) { return host.to(device, /*non_blocking=*/true); }
/// Options of a tensor of the processor that is filled there and then sent on.
[[nodiscard]] inline torch::TensorOptions sent_to(torch::Device device) { return torch::TensorOptions().pinned_memory(device.is_cuda()); }

/// A batch of 8-bit images on its way to a network: pixels go to the device as they are, in pinned memory where there is another device.
class ImageBatch {
public:
    ImageBatch(std::int64_t images, int image_size, torch::Device device = torch::kCPU);
    /// `pixels` [size, size, 3]; mirrored left to right when `flip`.
    void set(std::int64_t index, std::span<const std::uint8_t> pixels, bool flip);
    /// As the networks take them: float32 [batch, 3, rows, cols] on the device, in channels-last memory (the layout of the
    /// pixels themselves, and the faster one for the convolutions), values v / 127.5 - 1 of 8-bit pixels v.
    [[nodiscard]] torch::Tensor tensor() const;

private:
    torch::Device device_;
    torch::Tensor pixels_, flips_;
};

/// Whether a GPU rounds float32 to TF32 in products: torch has a default for each of its libraries, which differ.
void use_tf32(bool is_on);

/// Sets torch's thread count, and makes it refuse operations whose result varies from run to run.
void make_torch_deterministic(int threads);

}  // namespace fairsweep
