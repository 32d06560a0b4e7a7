#pragma once
/// Which images a training step sees. A pure function of (seed, data set, epoch): the arms of one seed and data set see
/// the same images in the same order with the same flips, whatever the stage, the ranks or the threads.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/sample.hpp"

namespace fairsweep {

struct DataOrderKey {
    std::uint64_t seed = 0;
    std::uint64_t data = 0;  ///< Digest::prefix() of the data set
};

/// Shuffles anew in every epoch and drops the last, incomplete batch.
class DataOrder {
public:
    /// Throws a usage error when the set has no full batch (`images` < `batch_samples`) or more than 2^32-1 images.
    DataOrder(DataOrderKey key, std::uint64_t images, int batch_samples, bool flip);

    [[nodiscard]] std::int64_t batches_per_epoch() const { return batches_per_epoch_; }
    [[nodiscard]] std::size_t batch_samples() const { return batch_samples_; }
    /// Batch of `step` (>= 0, any number of epochs). Steps asked in order cost one shuffle an epoch.
    [[nodiscard]] std::vector<Sample> batch(std::int64_t step);

private:
    void enter_epoch(std::int64_t epoch);

    DataOrderKey key_;
    std::uint32_t images_;
    std::size_t batch_samples_;
    bool flip_;
    std::int64_t batches_per_epoch_;
    std::int64_t epoch_ = -1;
    std::vector<std::uint32_t> images_in_order_;  // 4 bytes and a bit an image: sets have millions
    std::vector<bool> flips_;
};

}  // namespace fairsweep
