#include "study/tensors.hpp"

#include <array>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

constexpr std::int64_t kChannels = 3;

/// ((v / 255) - 0.5) / 0.5 in float, as the reference computes it.
std::array<float, 256> pixel_values() {
    std::array<float, 256> values{};
    for (std::size_t v = 0; v < values.size(); ++v) values[v] = (static_cast<float>(v) / 255.0F - 0.5F) / 0.5F;
    return values;
}

}  // namespace

ImageBatch::ImageBatch(std::int64_t images, int image_size)
    : size_(image_size),
      tensor_(torch::empty({images, kChannels, image_size, image_size},
                           torch::TensorOptions().memory_format(torch::MemoryFormat::ChannelsLast))) {}

void ImageBatch::set(std::int64_t index, std::span<const std::uint8_t> pixels, bool flip) {
    static const std::array<float, 256> kValues = pixel_values();
    const std::int64_t face = size_ * size_ * kChannels;
    FAIRSWEEP_CHECK(index >= 0 && index < tensor_.size(0) && static_cast<std::int64_t>(pixels.size()) == face,
                    "put a face into a batch of another shape");
    float* out = tensor_.data_ptr<float>() + index * face;
    const std::uint8_t* in = pixels.data();
    if (!flip) {
        for (std::int64_t i = 0; i < face; ++i) out[i] = kValues[in[i]];
        return;
    }
    for (std::int64_t row = 0; row < size_; ++row)
        for (std::int64_t col = 0; col < size_; ++col, out += kChannels) {
            const std::uint8_t* pixel = in + (row * size_ + size_ - 1 - col) * kChannels;
            for (std::int64_t c = 0; c < kChannels; ++c) out[c] = kValues[pixel[c]];
        }
}

void make_torch_deterministic(int threads) {
    at::set_num_threads(threads);
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
    // Every buffer is written before it is read here; filling them first would only cost time.
    at::globalContext().setDeterministicFillUninitializedMemory(false);
}

}  // namespace fairsweep
