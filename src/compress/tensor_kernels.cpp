#include "compress/tensor_kernels.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace fairsweep {
namespace {

constexpr std::int64_t kBlock = 1 << 15;  // values of a piece of work; a multiple of 16, the bits of a mask word

std::span<const float> values_of(const torch::Tensor& x, std::int64_t begin, std::int64_t end) {
    return {x.const_data_ptr<float>() + begin, static_cast<std::size_t>(end - begin)};
}

std::int64_t blocks_of(const torch::Tensor& x) { return (x.numel() + kBlock - 1) / kBlock; }

/// body(first value, last value, index of the block), in blocks of kBlock values whatever the number of threads.
template <typename Body>
void for_each_block(const torch::Tensor& x, const Body& body) {
    at::parallel_for(0, blocks_of(x), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) body(i * kBlock, std::min(x.numel(), (i + 1) * kBlock), i);
    });
}

/// Minimum and maximum over blocks: their order does not matter.
class SharedRange {
public:
    void add(const ValueRange& part) {
        const std::lock_guard lock(mutex_);
        total_ = is_empty_ ? part
                           : ValueRange{std::min(total_.min, part.min), std::max(total_.max, part.max),
                                        total_.is_finite && part.is_finite};
        is_empty_ = false;
    }
    [[nodiscard]] const ValueRange& total() const { return total_; }

private:
    std::mutex mutex_;
    ValueRange total_;
    bool is_empty_ = true;
};

std::uint16_t* words_of(const torch::Tensor& kept) {
    return kept.defined() ? reinterpret_cast<std::uint16_t*>(kept.data_ptr<std::int16_t>()) : nullptr;
}

}  // namespace

ValueRange range_of_tensor(const torch::Tensor& x) {
    SharedRange range;
    for_each_block(x, [&](std::int64_t begin, std::int64_t end, std::int64_t) { range.add(range_of(values_of(x, begin, end))); });
    return range.total();
}

bool quantise_in_place(const torch::Tensor& x, const QuantiserScale& scale) {
    float* const target = x.data_ptr<float>();
    std::atomic<bool> is_finite{true};
    for_each_block(x, [&](std::int64_t begin, std::int64_t end, std::int64_t) {
        if (!fake_quantise(values_of(x, begin, end), target + begin, scale)) is_finite = false;
    });
    return is_finite;
}

ValueRange quantise_into(const torch::Tensor& x, const torch::Tensor& out, const torch::Tensor& kept, const StepGrid& grid) {
    float* const target = out.data_ptr<float>();
    std::uint16_t* const words = words_of(kept);
    SharedRange range;
    for_each_block(x, [&](std::int64_t begin, std::int64_t end, std::int64_t) {
        range.add(fake_quantise(values_of(x, begin, end), target + begin, words == nullptr ? nullptr : words + begin / 16, grid));
    });
    return range.total();
}

void masked_gradient_into(const torch::Tensor& gradient, const torch::Tensor& kept, const torch::Tensor& out) {
    float* const target = out.data_ptr<float>();
    const std::uint16_t* const words = words_of(kept);
    for_each_block(gradient, [&](std::int64_t begin, std::int64_t end, std::int64_t) {
        masked_gradient(values_of(gradient, begin, end), words + begin / 16, target + begin);
    });
}

LearnedSums learned_gradient_into(const torch::Tensor& x, const torch::Tensor& gradient, const torch::Tensor& out,
                                  const StepGrid& grid) {
    float* const target = out.data_ptr<float>();
    const float* const upstream = gradient.const_data_ptr<float>();
    std::vector<LearnedSums> parts(static_cast<std::size_t>(blocks_of(x)));
    for_each_block(x, [&](std::int64_t begin, std::int64_t end, std::int64_t block) {
        parts[static_cast<std::size_t>(block)] =
            learned_gradient(values_of(x, begin, end), upstream + begin, target + begin, grid);
    });
    LearnedSums total;
    for (const LearnedSums& part : parts) {
        total.step_gradient += part.step_gradient;
        total.magnitude += part.magnitude;
    }
    return total;
}

}  // namespace fairsweep
