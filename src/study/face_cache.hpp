#pragma once
/// Decoded faces of training and calibration sets: decoded once a process where they fit into memory. No torch here.
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "fairsweep/dataset.hpp"

namespace fairsweep {

/// The images of one set at one size, [size, size, 3] each. For one thread at a time, but decode().
class FaceCache {
public:
    /// Keeps decoded faces when all of them take at most `kept_bytes_max`; else every read decodes, and trainings read ahead
    /// (study/face_batches.hpp).
    FaceCache(std::unique_ptr<TrainingSet> set, int image_size, std::uint64_t kept_bytes_max);

    [[nodiscard]] std::uint64_t size() const { return images_; }
    [[nodiscard]] std::uint64_t identities() const { return set_->identities(); }
    [[nodiscard]] int image_size() const { return image_size_; }
    [[nodiscard]] std::uint64_t bytes_per_face() const { return face_bytes_; }
    [[nodiscard]] std::uint64_t kept_bytes() const { return kept_.size(); }
    [[nodiscard]] bool keeps_faces() const { return !kept_.empty(); }

    struct Face {
        std::span<const std::uint8_t> pixels;  ///< valid until the next call of face()
        std::int64_t identity = -1;
    };
    /// index < size(). Throws a data error naming the image when it cannot be decoded or its identity is out of range.
    [[nodiscard]] Face face(std::uint64_t index);
    /// Decodes a face into `out` [size, size, 3] and returns its identity, whether it is kept or not. Errors as face(). Safe to
    /// call from several threads.
    [[nodiscard]] std::int64_t decode(std::uint64_t index, std::span<std::uint8_t> out) const;

private:
    std::unique_ptr<TrainingSet> set_;
    std::uint64_t images_;
    int image_size_;
    std::uint64_t face_bytes_;
    std::vector<std::uint8_t> kept_;        ///< [images, size, size, 3], or empty
    std::vector<std::int64_t> identities_;  ///< -1: not decoded yet
    std::vector<std::uint8_t> single_;      ///< where nothing is kept: the face read last
};

/// The caches of a process, the least recently used dropped when together they would pass `kept_bytes_max`.
class FaceCaches {
public:
    explicit FaceCaches(std::uint64_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}
    /// The set `source` (whose content is `id`) at `image_size`; opened when it is not there yet.
    [[nodiscard]] std::shared_ptr<FaceCache> open(const DataSource& source, const Digest& id, int image_size);

private:
    struct Entry {
        Digest id;
        int image_size = 0;
        std::shared_ptr<FaceCache> cache;
    };
    std::uint64_t kept_bytes_max_;
    std::vector<Entry> entries_;  ///< least recently used first
};

}  // namespace fairsweep
