#include "data/batch_loader.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kNoSlot = std::numeric_limits<std::size_t>::max();

/// Whole pages of the given memory.
class Pages {
public:
    Pages(std::pmr::memory_resource* memory, std::size_t bytes)
        : memory_(memory),
          bytes_((bytes + kPageBytes - 1) / kPageBytes * kPageBytes),
          begin_(memory->allocate(bytes_, kPageBytes)) {}
    ~Pages() { memory_->deallocate(begin_, bytes_, kPageBytes); }
    Pages(Pages&&) = delete;
    [[nodiscard]] std::span<std::uint8_t> span() const { return {static_cast<std::uint8_t*>(begin_), bytes_}; }

private:
    std::pmr::memory_resource* memory_;
    std::size_t bytes_;
    void* begin_;
};

/// A batch in the making or with the caller. A slot is the place of one sample.
struct Buffer {
    Buffer(std::pmr::memory_resource* memory, std::size_t bytes) : pixels(memory, bytes) {}

    Pages pixels;
    std::int64_t batch = 0;
    std::size_t first = 0;
    std::vector<Sample> samples;
    std::vector<std::int64_t> labels;
    std::size_t claimed = 0;     // slots 0 ... claimed - 1 are being read or have been
    std::size_t unfinished = 0;  // slots that nobody has finished
    std::exception_ptr error;
    std::size_t error_slot = kNoSlot;

    [[nodiscard]] bool has_unclaimed() const { return claimed < samples.size(); }
    /// The error of the first bad slot counts, as if one thread had read them in order. Slots are claimed in order, so those
    /// before a bad one are all being read; the rest need not be.
    void fail(std::size_t slot, std::exception_ptr why) {
        unfinished -= samples.size() - claimed;
        claimed = samples.size();
        if (slot >= error_slot) return;
        error = std::move(why);
        error_slot = slot;
    }
};

std::size_t buffer_count(std::size_t buffer_bytes, const LoaderOptions& options) {
    const auto batches = static_cast<std::uint64_t>(options.end_batch - options.first_batch);
    return std::min(std::max<std::uint64_t>(2, options.queue_bytes / std::max<std::size_t>(1, buffer_bytes)), batches);
}

}  // namespace

BatchShare share_of(std::size_t batch_samples, int rank, int ranks) {
    FAIRSWEEP_CHECK(ranks > 0 && rank >= 0 && rank < ranks, "share a batch with a rank that is not there");
    const auto part = static_cast<std::size_t>(rank), parts = static_cast<std::size_t>(ranks);
    return {.begin = batch_samples * part / parts, .end = batch_samples * (part + 1) / parts};
}

struct BatchLoader::State {
    State(BatchSource from, const LoaderOptions& how);
    ~State() {
        for (std::jthread& thread : threads) thread.request_stop();  // all at once; each is joined after
    }

    void work(const std::stop_token& stop);
    void open_batch(std::unique_lock<std::mutex>& lock);
    void read_slot(std::unique_lock<std::mutex>& lock, Buffer& buffer);
    LoadedBatch take();

    const BatchSource source;
    const LoaderOptions options;
    std::vector<std::unique_ptr<Buffer>> buffers;

    std::mutex mutex;  // guards all below, and of a buffer all but the pixels of claimed slots
    std::condition_variable_any work_to_do;
    std::condition_variable batch_ready;
    std::vector<Buffer*> free;
    std::vector<Buffer*> queue;  // in the order of batches; only the last may have slots that nobody has claimed
    Buffer* with_caller = nullptr;
    std::int64_t next_to_open;
    bool opening = false;  // by one thread: `order` is asked without the lock
    std::int64_t next_to_take;

    std::vector<std::jthread> threads;  // last: they end before what they use
};

BatchLoader::State::State(BatchSource from, const LoaderOptions& how)
    : source(std::move(from)), options(how), next_to_open(how.first_batch), next_to_take(how.first_batch) {
    FAIRSWEEP_CHECK(options.threads > 0 && options.first_batch >= 0 && options.end_batch >= options.first_batch,
                    "load batches with threads, in order");
    // No share is larger than the last rank's.
    const BatchShare largest = share_of(source.batch_samples, options.ranks - 1, options.ranks);
    const std::size_t bytes = std::max<std::size_t>(1, (largest.end - largest.begin) * source.image_bytes);
    for (std::size_t count = buffer_count(bytes, options); buffers.size() < count;) {
        buffers.push_back(std::make_unique<Buffer>(options.memory, bytes));
        free.push_back(buffers.back().get());
    }
    queue.reserve(buffers.size());
    try {
        for (int i = 0; i < options.threads; ++i) threads.emplace_back([this](const std::stop_token& stop) { work(stop); });
    } catch (const std::system_error& error) {
        throw_infrastructure({.attempted = "cannot start the threads that decode images", .found = error.what()});
    }
}

void BatchLoader::State::work(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    const auto has_slot = [this] { return !queue.empty() && queue.back()->has_unclaimed(); };
    const auto can_open = [this] { return !opening && !free.empty() && next_to_open < options.end_batch; };
    while (work_to_do.wait(lock, stop, [&] { return has_slot() || can_open(); }) && !stop.stop_requested()) {
        if (has_slot()) {
            read_slot(lock, *queue.back());
        } else {
            open_batch(lock);
        }
    }
}

void BatchLoader::State::open_batch(std::unique_lock<std::mutex>& lock) {
    Buffer& buffer = *free.back();
    free.pop_back();
    opening = true;
    buffer.batch = next_to_open++;
    lock.unlock();
    buffer.error = nullptr;
    buffer.error_slot = kNoSlot;
    buffer.samples.clear();
    try {
        const std::vector<Sample> all = source.order(buffer.batch);
        FAIRSWEEP_CHECK(all.size() <= source.batch_samples, "a batch of more samples than the largest");
        const BatchShare share = share_of(all.size(), options.rank, options.ranks);
        buffer.first = share.begin;
        buffer.samples.assign(all.begin() + static_cast<std::ptrdiff_t>(share.begin),
                              all.begin() + static_cast<std::ptrdiff_t>(share.end));
        buffer.labels.assign(buffer.samples.size(), -1);
    } catch (...) {
        buffer.samples.clear();
        buffer.error = std::current_exception();
    }
    buffer.claimed = 0;
    buffer.unfinished = buffer.samples.size();
    lock.lock();
    opening = false;
    queue.push_back(&buffer);
    work_to_do.notify_all();
    if (buffer.unfinished == 0) batch_ready.notify_one();
}

void BatchLoader::State::read_slot(std::unique_lock<std::mutex>& lock, Buffer& buffer) {
    const std::size_t slot = buffer.claimed++;
    const std::uint32_t image = buffer.samples[slot].image;
    lock.unlock();
    std::int64_t label = -1;
    std::exception_ptr error;
    try {
        label = source.read(image, buffer.pixels.span().subspan(slot * source.image_bytes, source.image_bytes));
    } catch (...) {
        error = std::current_exception();
    }
    lock.lock();
    buffer.labels[slot] = label;
    if (error) buffer.fail(slot, std::move(error));
    if (--buffer.unfinished == 0) batch_ready.notify_one();
}

LoadedBatch BatchLoader::State::take() {
    std::unique_lock lock(mutex);
    FAIRSWEEP_CHECK(next_to_take < options.end_batch, "ask for a batch past the last");
    if (with_caller != nullptr) {
        free.push_back(std::exchange(with_caller, nullptr));
        work_to_do.notify_one();
    }
    batch_ready.wait(lock, [this] { return !queue.empty() && queue.front()->unfinished == 0; });
    Buffer& buffer = *queue.front();
    queue.erase(queue.begin());
    FAIRSWEEP_CHECK(buffer.batch == next_to_take, "batches come in their order");
    ++next_to_take;
    with_caller = &buffer;
    if (buffer.error) std::rethrow_exception(std::exchange(buffer.error, nullptr));
    return {.batch = buffer.batch,
            .first = buffer.first,
            .samples = buffer.samples,
            .labels = buffer.labels,
            .pixels = buffer.pixels.span().first(buffer.samples.size() * source.image_bytes)};
}

BatchLoader::BatchLoader(BatchSource source, const LoaderOptions& options)
    : state_(std::make_unique<State>(std::move(source), options)) {}

BatchLoader::~BatchLoader() = default;

LoadedBatch BatchLoader::next() { return state_->take(); }

std::size_t BatchLoader::buffers() const { return state_->buffers.size(); }

}  // namespace fairsweep
