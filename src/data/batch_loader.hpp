#pragma once
/// Batches of decoded images, made ahead of whoever trains by a few threads. What a batch holds depends on its number and the
/// rank alone: threads, queue and the reader's pace have no say in it, and any batch may be the first.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <span>
#include <vector>

#include "data/sample.hpp"

namespace fairsweep {

struct BatchSource {
    std::size_t image_bytes = 0;    ///< rows * cols * 3
    std::size_t batch_samples = 0;  ///< of all ranks together, in the largest batch
    /// The samples of a batch, of all ranks. Called with rising numbers, by one thread at a time.
    std::function<std::vector<Sample>(std::int64_t batch)> order;
    /// Decodes an image into `pixels` [rows, cols, 3] and returns its label. Called by several threads at once.
    std::function<std::int64_t(std::uint32_t image, std::span<std::uint8_t> pixels)> read;
};

/// A batch is cut into contiguous shares of the ranks, which differ by one sample at most.
struct BatchShare {
    std::size_t begin = 0, end = 0;  ///< samples begin ... end - 1 of the batch
};
[[nodiscard]] BatchShare share_of(std::size_t batch_samples, int rank, int ranks);

struct LoaderOptions {
    std::int64_t first_batch = 0;
    std::int64_t end_batch = 0;  ///< one past the last: nothing is read beyond it
    int rank = 0, ranks = 1;     ///< only this rank's share of a batch is read
    int threads = 2;
    std::uint64_t queue_bytes = 64ULL << 20;
    /// Where the pixels lie, a buffer for each batch, whole pages. Buffers stay where they are as long as the loader lives, so
    /// memory of a GPU's driver (pinned) is as good.
    std::pmr::memory_resource* memory = std::pmr::new_delete_resource();
};

struct LoadedBatch {
    std::int64_t batch = 0;
    std::size_t first = 0;  ///< place of this rank's first sample in the whole batch
    std::span<const Sample> samples;
    std::span<const std::int64_t> labels;
    std::span<const std::uint8_t> pixels;  ///< [samples, rows, cols, 3], not mirrored yet
};

/// For one thread at a time. Memory: buffers() batches, and in each thread what `read` takes for one image.
class BatchLoader {
public:
    /// Starts the threads, which begin at once. Throws an infrastructure error when they cannot be started.
    BatchLoader(BatchSource source, const LoaderOptions& options);
    /// Waits for the images that are being decoded, not for batches.
    ~BatchLoader();
    BatchLoader(BatchLoader&&) = delete;

    /// The next batch; valid until the next call. What `order` or `read` threw for this batch is thrown here (of its first bad
    /// sample), and the call after it gives the batch after it. At most end_batch - first_batch calls.
    [[nodiscard]] LoadedBatch next();
    /// As many batches as queue_bytes holds, but two at least: one with the caller, one being made.
    [[nodiscard]] std::size_t buffers() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fairsweep
