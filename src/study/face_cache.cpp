#include "study/face_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "study/resize.hpp"

namespace fairsweep {

FaceCache::FaceCache(std::unique_ptr<TrainingSet> set, int image_size, std::uint64_t kept_bytes_max)
    : set_(std::move(set)),
      images_(set_->size()),
      image_size_(image_size),
      face_bytes_(static_cast<std::uint64_t>(image_size) * static_cast<std::uint64_t>(image_size) * 3) {
    if (images_ <= kept_bytes_max / face_bytes_) {
        kept_.resize(images_ * face_bytes_);
        identities_.assign(images_, -1);
    } else {
        single_.resize(face_bytes_);
    }
}

std::int64_t FaceCache::decode(std::uint64_t index, std::span<std::uint8_t> out) const {
    const LabelledImage labelled = set_->get(index);
    resize_square(labelled.image, image_size_, out);
    if (labelled.identity < 0 || static_cast<std::uint64_t>(labelled.identity) >= set_->identities())
        throw_data({.attempted = "cannot use an image of a training set",
                    .where = fmt::format("image {}", index),
                    .found = fmt::format("identity {}", labelled.identity),
                    .expected = fmt::format("0 .. {}", set_->identities() - 1),
                    .hint = ""});
    return labelled.identity;
}

FaceCache::Face FaceCache::face(std::uint64_t index) {
    FAIRSWEEP_CHECK(index < images_, "read a face past the end of the set");
    if (kept_.empty()) return {.pixels = single_, .identity = decode(index, single_)};
    const std::span<std::uint8_t> pixels = std::span(kept_).subspan(index * face_bytes_, face_bytes_);
    if (identities_[index] < 0) identities_[index] = decode(index, pixels);
    return {.pixels = pixels, .identity = identities_[index]};
}

std::shared_ptr<FaceCache> FaceCaches::open(const DataSource& source, const Digest& id, int image_size) {
    const auto same = [&](const Entry& entry) { return entry.id == id && entry.image_size == image_size; };
    const auto known = std::find_if(entries_.begin(), entries_.end(), same);
    if (known != entries_.end()) {
        std::rotate(known, known + 1, entries_.end());
        return entries_.back().cache;
    }
    auto cache = std::make_shared<FaceCache>(open_training_set(source), image_size, kept_bytes_max_);
    std::uint64_t kept_bytes = cache->kept_bytes();
    for (const Entry& entry : entries_) kept_bytes += entry.cache->kept_bytes();
    while (!entries_.empty() && kept_bytes > kept_bytes_max_) {
        kept_bytes -= entries_.front().cache->kept_bytes();
        entries_.erase(entries_.begin());
    }
    entries_.push_back({id, image_size, cache});
    return cache;
}

}  // namespace fairsweep
