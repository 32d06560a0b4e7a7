#pragma once
/// The batches of a training: from the kept faces where all are kept, else decoded ahead by a few threads. No torch here.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/batch_loader.hpp"
#include "study/data_order.hpp"
#include "study/face_cache.hpp"

namespace fairsweep {

/// Batches options.first_batch ... options.end_batch - 1 of an order, one after another. For one thread at a time.
class FaceBatches {
public:
    FaceBatches(std::shared_ptr<FaceCache> faces, DataOrder order, const LoaderOptions& options);

    [[nodiscard]] int image_size() const { return faces_->image_size(); }
    [[nodiscard]] std::int64_t batches_per_epoch() const { return batches_per_epoch_; }

    /// Goes on to the next batch and returns this rank's samples of it, valid until the next call. Throws as FaceCache::face()
    /// does, or leaves that to face().
    std::span<const Sample> next();
    /// The face of a sample of the present batch, valid until the next call of next() or face(); not mirrored.
    [[nodiscard]] FaceCache::Face face(std::size_t sample);

private:
    std::shared_ptr<FaceCache> faces_;
    LoaderOptions options_;
    std::int64_t batches_per_epoch_;
    std::int64_t next_batch_;
    std::shared_ptr<DataOrder> order_;
    std::vector<Sample> samples_;          ///< of the present batch, where faces are kept
    LoadedBatch loaded_;                   ///< the present batch, where they are not
    std::unique_ptr<BatchLoader> loader_;  ///< last: its threads use the above
};

/// All faces of a set from `first` to the last, decoded ahead in windows where they are not kept.
class FaceRow {
public:
    /// `first`: where a window begins, or the end of the set.
    FaceRow(std::shared_ptr<FaceCache> faces, std::uint64_t window_faces, int threads, std::uint64_t first = 0);
    /// Within a window in any order and as often as wanted; windows one after another. Valid until the next call.
    [[nodiscard]] std::span<const std::uint8_t> face(std::uint64_t index);

private:
    std::shared_ptr<FaceCache> faces_;
    std::uint64_t window_faces_;
    std::uint64_t windows_read_ = 0;
    LoadedBatch loaded_;
    std::unique_ptr<BatchLoader> loader_;
};

}  // namespace fairsweep
