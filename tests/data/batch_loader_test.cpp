/// Batches that several threads decode against a plain reader of the same set, and what must not come of threads.
#include "data/batch_loader.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "data/recordio_set.hpp"
#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/random.hpp"
#include "sets_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::fixture;

namespace {

constexpr int kSide = 16;
constexpr std::size_t kImageBytes = std::size_t{3} * kSide * kSide;
constexpr std::uint32_t kImages = 60;
constexpr std::size_t kBatch = 7;
constexpr std::int64_t kBatches = 11;

/// The samples of a batch, by its number alone.
std::vector<Sample> samples_of(std::int64_t batch) {
    RandomStream stream(3, 4, "order", static_cast<std::uint64_t>(batch));
    std::vector<Sample> samples(kBatch);
    for (Sample& sample : samples) sample = {static_cast<std::uint32_t>(stream.below(kImages)), (stream.next_u32() & 1U) != 0};
    return samples;
}

/// 60 images of noise, each unlike all others; label = image / 4.
void write_noise_set(const fs::path& folder) {
    fs::create_directories(folder);
    RecordWriter writer(folder / "train.rec");
    std::vector<IndexEntry> index;
    for (std::uint32_t i = 0; i < kImages; ++i) {
        RandomStream stream(1, i, "noise");
        Image image = flat_image(kSide, kSide, 0);
        for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(stream.below(256));
        const auto jpeg = encode_jpeg(image, 95);
        index.push_back({i, writer.write(encode_image_record(
                                {.flag = 0, .labels = {static_cast<float>(i / 4)}, .id = i, .id2 = 0, .encoded = jpeg}))});
    }
    writer.close();
    write_record_index(folder / "train.idx", index);
    write_record_property(folder / "property", {.identities = kImages / 4, .rows = kSide, .cols = kSide});
}

BatchSource source_of(const TrainingSet& set) {
    return {.image_bytes = kImageBytes,
            .batch_samples = kBatch,
            .order = samples_of,
            .read = [&set](std::uint32_t image, std::span<std::uint8_t> pixels) {
                const LabelledImage labelled = set.get(image);
                std::copy(labelled.image.pixels.begin(), labelled.image.pixels.end(), pixels.begin());
                return labelled.identity;
            }};
}

/// A batch as values: what the plain reader and the loader are compared by.
struct Plain {
    std::int64_t batch = 0;
    std::size_t first = 0;
    std::vector<Sample> samples;
    std::vector<std::int64_t> labels;
    std::vector<std::uint8_t> pixels;
    bool operator==(const Plain&) const = default;
};

Plain plain_of(const LoadedBatch& batch) {
    return {.batch = batch.batch,
            .first = batch.first,
            .samples = {batch.samples.begin(), batch.samples.end()},
            .labels = {batch.labels.begin(), batch.labels.end()},
            .pixels = {batch.pixels.begin(), batch.pixels.end()}};
}

/// One image after the other, on this thread.
Plain read_plainly(const BatchSource& source, std::int64_t batch, int rank, int ranks) {
    const std::vector<Sample> all = source.order(batch);
    Plain plain;
    plain.batch = batch;
    plain.first = all.size() * static_cast<std::size_t>(rank) / static_cast<std::size_t>(ranks);
    const std::size_t end = all.size() * static_cast<std::size_t>(rank + 1) / static_cast<std::size_t>(ranks);
    for (std::size_t i = plain.first; i < end; ++i) {
        plain.samples.push_back(all[i]);
        plain.pixels.resize(plain.samples.size() * source.image_bytes);
        plain.labels.push_back(source.read(all[i].image, std::span(plain.pixels).last(source.image_bytes)));
    }
    return plain;
}

void check_same(const BatchSource& source, const LoaderOptions& options) {
    BatchLoader loader(source, options);
    for (std::int64_t batch = options.first_batch; batch < options.end_batch; ++batch)
        REQUIRE(plain_of(loader.next()) == read_plainly(source, batch, options.rank, options.ranks));
}

/// Counts what is taken, as a driver of a GPU might.
class CountingMemory final : public std::pmr::memory_resource {
public:
    std::size_t held = 0, most = 0;
    bool aligned = true;

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        held += bytes;
        most = std::max(most, held);
        aligned = aligned && alignment == 4096 && bytes % 4096 == 0;
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* begin, std::size_t bytes, std::size_t alignment) override {
        held -= bytes;
        std::pmr::new_delete_resource()->deallocate(begin, bytes, alignment);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

/// Overwrites the beginning of an image's JPEG in the .rec; returns where its record starts.
std::uint64_t damage(const fs::path& folder, std::uint32_t image) {
    const std::uint64_t offset = read_record_index(folder / "train.idx")[image];
    File file = File::open_for_update(folder / "train.rec");
    const std::vector<std::byte> zeros(40);
    file.write_at(offset + 8 + 24 + 2, zeros);
    return offset;
}

}  // namespace

TEST_CASE("any number of threads, any first batch and any split into ranks give the plain reader's batches") {
    const FreshFolder here;
    write_noise_set("set");
    const auto set = open_training_set(source("recordio", "set"));
    const BatchSource batches = source_of(*set);
    for (int threads = 1; threads <= 8; ++threads)
        for (std::int64_t first = 0; first < kBatches; ++first)
            check_same(batches, {.first_batch = first, .end_batch = kBatches, .threads = threads});
    for (const int ranks : {1, 2, 3, 7, 9})  // more ranks than samples: some shares are empty
        for (int rank = 0; rank < ranks; ++rank)
            check_same(batches, {.first_batch = 2, .end_batch = kBatches, .rank = rank, .ranks = ranks, .threads = 3});
}

TEST_CASE("the shares of all ranks are the batch, in order") {
    for (const std::size_t samples : {0, 1, 7, 64, 1000})
        for (int ranks = 1; ranks <= 9; ++ranks) {
            std::size_t at = 0;
            for (int rank = 0; rank < ranks; ++rank) {
                const BatchShare share = share_of(samples, rank, ranks);
                CHECK(share.begin == at);
                CHECK(share.end - share.begin <= samples / static_cast<std::size_t>(ranks) + 1);
                at = share.end;
            }
            CHECK(at == samples);
        }
}

TEST_CASE("a damaged record is the error of its batch and of no other, with file, offset and record") {
    const FreshFolder here;
    write_noise_set("set");
    const auto intact = open_training_set(source("recordio", "set"));
    std::vector<Plain> expected;
    for (std::int64_t batch = 0; batch < kBatches; ++batch) expected.push_back(read_plainly(source_of(*intact), batch, 0, 1));
    const std::uint32_t bad = samples_of(4)[5].image, worse = samples_of(4)[2].image;
    const std::uint64_t at_bad = damage("set", bad), at_worse = damage("set", worse);
    for (const int threads : {1, 2, 8}) {
        BatchLoader loader(source_of(*intact), {.end_batch = kBatches, .threads = threads});
        for (std::int64_t batch = 0; batch < kBatches; ++batch) {
            INFO("batch " << batch << " of " << threads << " threads");
            const std::vector<Sample>& samples = expected[static_cast<std::size_t>(batch)].samples;
            const auto first = std::find_if(samples.begin(), samples.end(),
                                            [&](const Sample& sample) { return sample.image == bad || sample.image == worse; });
            if (first == samples.end()) {
                CHECK(plain_of(loader.next()) == expected[static_cast<std::size_t>(batch)]);
                continue;
            }
            const std::uint64_t offset = first->image == bad ? at_bad : at_worse;
            CHECK_THROWS_WITH(loader.next(), ContainsSubstring("train.rec") &&
                                                 ContainsSubstring("offset " + std::to_string(offset)) &&
                                                 ContainsSubstring("record " + std::to_string(first->image)));
        }
    }
}

TEST_CASE("an order that cannot be told is the error of its batch") {
    const FreshFolder here;
    write_noise_set("set");
    const auto set = open_training_set(source("recordio", "set"));
    BatchSource batches = source_of(*set);
    batches.order = [](std::int64_t batch) {
        if (batch == 2) throw_data({.attempted = "no order"});
        return samples_of(batch);
    };
    BatchLoader loader(batches, {.end_batch = 4, .threads = 3});
    CHECK(loader.next().batch == 0);
    CHECK(loader.next().batch == 1);
    CHECK_THROWS_WITH(loader.next(), ContainsSubstring("no order"));
    CHECK(loader.next().batch == 3);
}

TEST_CASE("memory is bounded by the queue, two batches at least, in whole pages that stay where they are") {
    const FreshFolder here;
    write_noise_set("set");
    const auto set = open_training_set(source("recordio", "set"));
    const BatchSource plain = source_of(*set);
    const std::size_t pages = (kBatch * kImageBytes + 4095) / 4096 * 4096;
    for (const std::uint64_t queue_bytes : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{5 * kBatch * kImageBytes}}) {
        const std::size_t expected = queue_bytes < 2 ? 2 : 5;
        CountingMemory memory;
        std::atomic<std::int64_t> taken{0}, furthest{0};
        BatchSource batches = plain;
        batches.order = [&](std::int64_t batch) {
            furthest = std::max(furthest.load(), batch - taken.load());
            return samples_of(batch);
        };
        {
            BatchLoader loader(batches, {.end_batch = 50, .threads = 4, .queue_bytes = queue_bytes, .memory = &memory});
            CHECK(loader.buffers() == expected);
            std::set<const std::uint8_t*> places;
            for (std::int64_t batch = 0; batch < 50; ++batch) {
                const LoadedBatch loaded = loader.next();
                REQUIRE(plain_of(loaded) == read_plainly(plain, batch, 0, 1));
                places.insert(loaded.pixels.data());
                ++taken;
            }
            CHECK(places.size() <= expected);
        }
        CHECK(memory.aligned);
        CHECK(memory.most == expected * pages);
        CHECK(memory.held == 0);
        CHECK(furthest <= static_cast<std::int64_t>(expected));
    }
}

TEST_CASE("slow reading, slow taking and images that finish in another order change nothing") {
    const FreshFolder here;
    write_noise_set("set");
    const auto set = open_training_set(source("recordio", "set"));
    const BatchSource plain = source_of(*set);
    BatchSource batches = plain;
    batches.read = [&](std::uint32_t image, std::span<std::uint8_t> pixels) {
        for (std::uint32_t i = 0; i < image * image % 7; ++i) (void)plain.read(image, pixels);
        return plain.read(image, pixels);
    };
    for (const int again : {1, 8}) {
        BatchLoader loader(batches, {.end_batch = 30, .threads = 5, .queue_bytes = 3 * kBatch * kImageBytes});
        for (std::int64_t batch = 0; batch < 30; ++batch) {
            const Plain loaded = plain_of(loader.next());
            for (int i = 0; i < again; ++i) REQUIRE(loaded == read_plainly(plain, batch, 0, 1));
        }
    }
}

namespace {

std::atomic<int> live_threads{0};
struct Alive {
    Alive() { ++live_threads; }
    ~Alive() { --live_threads; }
};

}  // namespace

TEST_CASE("stopped in the middle, it reads no further image and no thread outlives it") {
    const FreshFolder here;
    write_noise_set("set");
    const auto set = open_training_set(source("recordio", "set"));
    const BatchSource plain = source_of(*set);
    for (const int taken : {0, 1, 5})
        for (const std::uint64_t queue_bytes : {std::uint64_t{1}, std::uint64_t{1} << 24}) {
            std::atomic<int> reading{0}, read{0};
            BatchSource batches = plain;
            batches.read = [&](std::uint32_t image, std::span<std::uint8_t> pixels) {
                thread_local const Alive alive;
                ++reading;
                const std::int64_t label = plain.read(image, pixels);
                --reading;
                ++read;
                return label;
            };
            {
                BatchLoader loader(batches, {.end_batch = 1'000'000'000, .threads = 4, .queue_bytes = queue_bytes});
                for (int i = 0; i < taken; ++i) (void)loader.next();
            }
            CHECK(reading == 0);
            CHECK(live_threads == 0);
            const int before = read;
            std::this_thread::yield();
            CHECK(read == before);
        }
}

TEST_CASE("nothing is read past the last batch") {
    const FreshFolder here;
    write_noise_set("set");
    const auto set = open_training_set(source("recordio", "set"));
    BatchSource batches = source_of(*set);
    std::atomic<std::int64_t> furthest{-1};
    batches.order = [&](std::int64_t batch) {
        furthest = batch;
        return samples_of(batch);
    };
    {
        BatchLoader loader(batches, {.first_batch = 3, .end_batch = 5, .threads = 4});
        CHECK(loader.buffers() == 2);
        CHECK(loader.next().batch == 3);
        CHECK(loader.next().batch == 4);
    }
    CHECK(furthest == 4);
    const BatchLoader none(batches, {.first_batch = 3, .end_batch = 3});
    CHECK(none.buffers() == 0);
}
