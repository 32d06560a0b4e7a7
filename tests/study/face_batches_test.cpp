/// The batches of a training, kept or decoded ahead, and sets of millions of images.
#include "study/face_batches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/process_memory.hpp"
#include "support/catch.hpp"
#include "support/sparse_recordio.hpp"

using namespace fairsweep;
namespace fs = std::filesystem;

namespace {

constexpr int kSize = 16;
constexpr std::uint64_t kMegabyte = 1'000'000;

DataSource source(const fs::path& path) { return {.name = "large", .format = "recordio", .path = path, .groups = {}}; }

std::shared_ptr<FaceCache> cache_of(const fs::path& path, std::uint64_t kept_bytes_max) {
    return std::make_shared<FaceCache>(open_training_set(source(path)), kSize, kept_bytes_max);
}

/// What a training sees of a batch.
struct Seen {
    std::vector<Sample> samples;
    std::vector<std::int64_t> identities;
    std::vector<std::uint8_t> pixels;
    bool operator==(const Seen&) const = default;
};

Seen see(FaceBatches& batches) {
    Seen seen;
    const std::span<const Sample> samples = batches.next();
    seen.samples.assign(samples.begin(), samples.end());
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const FaceCache::Face face = batches.face(i);
        seen.identities.push_back(face.identity);
        seen.pixels.insert(seen.pixels.end(), face.pixels.begin(), face.pixels.end());
    }
    return seen;
}

LoaderOptions between(std::int64_t first, std::int64_t end) {
    LoaderOptions options;
    options.first_batch = first;
    options.end_batch = end;
    return options;
}

}  // namespace

TEST_CASE("Faces that are decoded ahead are those that are kept, in every batch of every epoch", "[batches]") {
    constexpr std::uint64_t kImages = 3000;
    SparseRecordio set("set", kImages, 300);
    for (std::uint64_t image = 0; image < kImages; ++image) set.add(image);
    const auto order = [] { return DataOrder({.seed = 1, .data = 5}, kImages, 64, true); };
    FaceBatches kept(cache_of("set", std::uint64_t{1} << 30), order(), between(0, 100));  // 46 batches an epoch
    FaceBatches ahead(cache_of("set", 0), order(), between(0, 100));
    std::vector<Seen> all;
    for (int batch = 0; batch < 100; ++batch) {
        all.push_back(see(kept));
        REQUIRE(see(ahead) == all.back());
        for (std::size_t i = 0; i < 64; ++i) REQUIRE(all.back().identities[i] == set.label_of(all.back().samples[i].image));
    }
    for (const std::uint64_t kept_bytes : {std::uint64_t{0}, std::uint64_t{1} << 30})  // restarts, in the second epoch too
        for (const std::int64_t first : {1, 45, 46, 99}) {
            FaceBatches again(cache_of("set", kept_bytes), order(), between(first, 100));
            CHECK(again.batches_per_epoch() == 46);
            CHECK(see(again) == all[static_cast<std::size_t>(first)]);
        }
    for (const std::uint64_t kept_bytes : {std::uint64_t{0}, std::uint64_t{1} << 30}) {  // three ranks
        Seen together;
        for (int rank = 0; rank < 3; ++rank) {
            LoaderOptions options = between(50, 51);
            options.rank = rank;
            options.ranks = 3;
            FaceBatches share(cache_of("set", kept_bytes), order(), options);
            const Seen seen = see(share);
            together.samples.insert(together.samples.end(), seen.samples.begin(), seen.samples.end());
            together.identities.insert(together.identities.end(), seen.identities.begin(), seen.identities.end());
            together.pixels.insert(together.pixels.end(), seen.pixels.begin(), seen.pixels.end());
        }
        CHECK(together == all[50]);
    }
}

TEST_CASE("A row of faces is the same, kept or decoded ahead", "[batches]") {
    constexpr std::uint64_t kImages = 150;
    SparseRecordio set("row", kImages, 10);
    for (std::uint64_t image = 0; image < kImages; ++image) set.add(image);
    FaceRow kept(cache_of("row", std::uint64_t{1} << 30), 64, 2), ahead(cache_of("row", 0), 64, 2);
    for (std::uint64_t begin = 0; begin < kImages; begin += 64)
        for (int twice = 0; twice < 2; ++twice)
            for (std::uint64_t i = begin; i < std::min(begin + 64, kImages); ++i)
                REQUIRE(std::ranges::equal(kept.face(i), ahead.face(i)));
}

TEST_CASE("A record that is missing is told at the batch that needs it", "[batches]") {
    constexpr std::uint64_t kImages = 640;
    DataOrder order({.seed = 1, .data = 5}, kImages, 64, false);
    const std::uint32_t missing = order.batch(3)[7].image;
    SparseRecordio set("hole", kImages, 10);
    for (std::uint64_t image = 0; image < kImages; ++image)
        if (image != missing) set.add(image);
    FaceBatches batches(cache_of("hole", 0), order, between(0, 10));
    for (int batch = 0; batch < 10; ++batch) {
        if (batch != 3) {
            CHECK_NOTHROW(batches.next());
            continue;
        }
        CHECK_THROWS_WITH(batches.next(), ContainsSubstring("train.rec") &&
                                              ContainsSubstring(fmt::format("offset {}", SparseRecordio::offset_of(missing))) &&
                                              ContainsSubstring(fmt::format("record {}", missing + 1)));
    }
}

namespace {

/// Opens a set, draws its order and reads ten batches; the figures are printed, memory is checked.
void read_some_of(std::uint64_t images, std::uint64_t identities, std::uint64_t memory_bytes_max) {
    const auto now = [] { return std::chrono::steady_clock::now(); };
    const auto seconds = [](auto from, auto to) { return std::chrono::duration<double>(to - from).count(); };
    const DataOrderKey key{.seed = 1, .data = 5};
    const auto start = now();
    SparseRecordio set("large", images, identities);
    {
        DataOrder order(key, images, 64, true);
        for (int batch = 0; batch < 10; ++batch)
            for (const Sample& sample : order.batch(batch)) set.add(sample.image);
    }
    hand_back_freed_memory();
    reset_peak_memory();
    const std::uint64_t before = peak_memory_bytes();
    const auto made = now();
    const std::shared_ptr<FaceCache> faces = cache_of("large", 1000);
    const auto opened = now();
    const std::uint64_t open_peak = peak_memory_bytes() - before;
    FaceBatches batches(faces, DataOrder(key, images, 64, true), between(0, 10));
    for (int batch = 0; batch < 10; ++batch) {
        const std::span<const Sample> samples = batches.next();
        for (std::size_t i = 0; i < samples.size(); ++i) REQUIRE(batches.face(i).identity == set.label_of(samples[i].image));
    }
    const std::uint64_t peak = peak_memory_bytes() - before;
    std::cout << fmt::format(
        "{} images, index {:.1f} MB: made in {:.2f} s, opened in {:.2f} s with {:.1f} MB at most; order and ten batches "
        "{:.2f} s, {:.1f} MB at most\n",
        images, static_cast<double>(fs::file_size("large/train.idx")) / kMegabyte, seconds(start, made), seconds(made, opened),
        static_cast<double>(open_peak) / kMegabyte, seconds(opened, now()), static_cast<double>(peak) / kMegabyte);
    fs::remove_all("large");
    CHECK(peak < memory_bytes_max);
}

}  // namespace

TEST_CASE("A set of thousands of images is opened and read", "[batches]") { read_some_of(5000, 100, 50 * kMegabyte); }

TEST_CASE("A set of six million images is opened and read in less than 100 MB", "[batches]") {
    if (std::getenv("FAIRSWEEP_TEST_LONG") == nullptr) return;
    read_some_of(6'000'000, 93'431, 100 * kMegabyte);
}
