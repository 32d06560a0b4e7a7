#include "study/data_order.hpp"

#include <fmt/format.h>

#include <limits>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/random.hpp"

namespace fairsweep {

DataOrder::DataOrder(DataOrderKey key, std::uint64_t images, int batch_samples, bool flip)
    : key_(key),
      images_(static_cast<std::uint32_t>(images)),
      batch_samples_(static_cast<std::size_t>(batch_samples)),
      flip_(flip) {
    if (batch_samples < 2 || images < batch_samples_ || images > std::numeric_limits<std::uint32_t>::max())
        throw_usage({.attempted = "cannot cut a training set into batches",
                     .where = "recipe.baseline_batch_samples or recipe.finetune_batch_samples",
                     .found = fmt::format("batches of {} from {} images", batch_samples, images),
                     .expected = "2 or more images a batch and at least one full batch",
                     .hint = "a smaller batch, or a larger set"});
    batches_per_epoch_ = static_cast<std::int64_t>(images / batch_samples_);
}

void DataOrder::enter_epoch(std::int64_t epoch) {
    RandomStream order_stream(key_.seed, key_.data, "order", static_cast<std::uint64_t>(epoch));
    RandomStream flip_stream(key_.seed, key_.data, "flip", static_cast<std::uint64_t>(epoch));
    std::vector<std::uint32_t>().swap(images_in_order_);  // before the next is drawn: two would be there at once
    images_in_order_ = shuffled_indices(images_, order_stream);
    flips_.assign(images_, false);
    for (std::size_t i = 0; flip_ && i < flips_.size(); ++i) flips_[i] = (flip_stream.next_u32() & 1U) != 0;
    epoch_ = epoch;
}

std::vector<Sample> DataOrder::batch(std::int64_t step) {
    FAIRSWEEP_CHECK(step >= 0, "ask for a batch before the first step");
    if (step / batches_per_epoch_ != epoch_) enter_epoch(step / batches_per_epoch_);
    const std::size_t begin = static_cast<std::size_t>(step % batches_per_epoch_) * batch_samples_;
    std::vector<Sample> samples(batch_samples_);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = {images_in_order_[begin + i], flips_[begin + i]};
    return samples;
}

}  // namespace fairsweep
