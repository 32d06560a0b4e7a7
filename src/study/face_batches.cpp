#include "study/face_batches.hpp"

#include <algorithm>
#include <utility>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

BatchSource source_of(const FaceCache& faces, std::size_t batch_samples, std::function<std::vector<Sample>(std::int64_t)> order) {
    return {.image_bytes = faces.bytes_per_face(),
            .batch_samples = batch_samples,
            .order = std::move(order),
            .read = [&faces](std::uint32_t image, std::span<std::uint8_t> pixels) { return faces.decode(image, pixels); }};
}

}  // namespace

FaceBatches::FaceBatches(std::shared_ptr<FaceCache> faces, DataOrder order, const LoaderOptions& options)
    : faces_(std::move(faces)),
      options_(options),
      batches_per_epoch_(order.batches_per_epoch()),
      next_batch_(options.first_batch),
      order_(std::make_shared<DataOrder>(std::move(order))) {
    if (faces_->keeps_faces()) return;
    loader_ = std::make_unique<BatchLoader>(
        source_of(*faces_, order_->batch_samples(), [order = order_](std::int64_t batch) { return order->batch(batch); }),
        options_);
}

std::span<const Sample> FaceBatches::next() {
    if (loader_) {
        loaded_ = loader_->next();
        return loaded_.samples;
    }
    FAIRSWEEP_CHECK(next_batch_ < options_.end_batch, "ask for a batch past the last");
    const std::vector<Sample> all = order_->batch(next_batch_++);
    const BatchShare share = share_of(all.size(), options_.rank, options_.ranks);
    samples_.assign(all.begin() + static_cast<std::ptrdiff_t>(share.begin), all.begin() + static_cast<std::ptrdiff_t>(share.end));
    return samples_;
}

FaceCache::Face FaceBatches::face(std::size_t sample) {
    if (!loader_) return faces_->face(samples_[sample].image);
    return {.pixels = loaded_.pixels.subspan(sample * faces_->bytes_per_face(), faces_->bytes_per_face()),
            .identity = loaded_.labels[sample]};
}

FaceRow::FaceRow(std::shared_ptr<FaceCache> faces, std::uint64_t window_faces, int threads, std::uint64_t first)
    : faces_(std::move(faces)), window_faces_(window_faces), windows_read_(first / window_faces) {
    if (faces_->keeps_faces()) return;
    const std::uint64_t all = faces_->size();
    const auto order = [window_faces, all](std::int64_t window) {
        std::vector<Sample> samples;
        const std::uint64_t begin = static_cast<std::uint64_t>(window) * window_faces;
        for (std::uint64_t i = begin; i < std::min(begin + window_faces, all); ++i)
            samples.push_back({.image = static_cast<std::uint32_t>(i), .flip = false});
        return samples;
    };
    LoaderOptions options;
    options.first_batch = static_cast<std::int64_t>(windows_read_);
    options.end_batch = static_cast<std::int64_t>((all + window_faces - 1) / window_faces);
    options.threads = threads;
    loader_ = std::make_unique<BatchLoader>(source_of(*faces_, window_faces, order), options);
}

std::span<const std::uint8_t> FaceRow::face(std::uint64_t index) {
    if (!loader_) return faces_->face(index).pixels;
    FAIRSWEEP_CHECK(index < faces_->size() && index / window_faces_ + 1 >= windows_read_,
                    "read faces from the first to the last");
    for (; windows_read_ <= index / window_faces_; ++windows_read_) loaded_ = loader_->next();
    return loaded_.pixels.subspan(index % window_faces_ * faces_->bytes_per_face(), faces_->bytes_per_face());
}

}  // namespace fairsweep
