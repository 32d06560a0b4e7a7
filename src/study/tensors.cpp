#include "study/tensors.hpp"

#include <cstring>

#include "device/device_ops.hpp"
#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

constexpr std::int64_t kColours = 3;

}  // namespace

ImageBatch::ImageBatch(std::int64_t images, int image_size, torch::Device device) : device_(device) {
    const auto host = sent_to(device);
    pixels_ = torch::empty({images, image_size, image_size, kColours}, host.dtype(torch::kByte));
    flips_ = torch::zeros({images}, host.dtype(torch::kBool));
}

void ImageBatch::set(std::int64_t index, std::span<const std::uint8_t> pixels, bool flip) {
    FAIRSWEEP_CHECK(index >= 0 && index < pixels_.size(0) && static_cast<std::int64_t>(pixels.size()) == pixels_.stride(0),
                    "put a face into a batch of another shape");
    std::memcpy(pixels_.data_ptr<std::uint8_t>() + index * pixels_.stride(0), pixels.data(), pixels.size());
    flips_.data_ptr<bool>()[index] = flip;
}

torch::Tensor ImageBatch::tensor() const {
    const torch::Tensor pixels = on_device(pixels_, device_), flips = on_device(flips_, device_);
    const torch::Tensor images =
        torch::empty({pixels.size(0), kColours, pixels.size(1), pixels.size(2)},
                     torch::TensorOptions().device(device_).memory_format(torch::MemoryFormat::ChannelsLast));
    ops_of(images).images(pixels, flips, images);
    return images;
}

void use_tf32(bool is_on) {
    at::globalContext().setAllowTF32CuBLAS(is_on);
    at::globalContext().setAllowTF32CuDNN(is_on);
}

void make_torch_deterministic(int threads) {
    at::set_num_threads(threads);
    at::globalContext().setDeterministicCuDNN(true);
    at::globalContext().setBenchmarkCuDNN(false);  // it would choose by the time that each algorithm took
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
    // Every buffer is written before it is read here; filling them first would only cost time.
    at::globalContext().setDeterministicFillUninitializedMemory(false);
}

}  // namespace fairsweep
