/// Seeded damage: thousands of small mutated files through every reader. Each answer is a value or one Error; nothing may
/// crash (the asan preset watches) or take memory that the file cannot justify (operator new is counted here).
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "allocation_counter.hpp"
#include "data/describe.hpp"
#include "data/manifest_set.hpp"
#include "data/pair_list.hpp"
#include "data/rfw_text.hpp"
#include "data/score_csv.hpp"
#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/random.hpp"
#include "sets_fixture.hpp"
#include "support/catch.hpp"
#include "support/mutation.hpp"

using namespace fairsweep;
using namespace fairsweep::fixture;

namespace {

constexpr std::size_t kJustifiedBytes = 2 << 20;  // read buffers; the files are a few kilobytes

constexpr const char* kLikely = "\t\n 0-9.,/eE+";

struct Outcomes {
    int values = 0;
    int errors = 0;
};

/// Runs read() and counts; an Error must be of data kind and say something.
template <typename Read>
void survive(Outcomes& outcomes, std::uint64_t seed, const Read& read) {
    try {
        read();
        ++outcomes.values;
    } catch (const Error& error) {
        ++outcomes.errors;
        if (error.kind() != ErrorKind::data || error.parts().where.empty()) {
            INFO("seed " << seed << ": " << error.what());
            CHECK(error.kind() == ErrorKind::data);
            CHECK_FALSE(error.parts().where.empty());
        }
    }
}

}  // namespace

TEST_CASE("mutated RecordIO folders give values or errors") {
    const FreshFolder here;
    const std::string magic("\x0a\x23\xd7\xce", 4);
    write_recordio("set", {.identities = 2, .images_each = 2});
    RecordWriter writer("split.rec");  // a record in four parts: the joining is damaged as well
    const std::string payload = "abcd" + magic + magic + "efgh" + magic + "ij";
    writer.write(std::as_bytes(std::span(payload.data(), payload.size())));
    writer.close();
    const std::string split = read_text_file("split.rec");
    const std::string records = read_text_file("set/train.rec");
    const std::string index = read_text_file("set/train.idx");
    const std::string property = read_text_file("set/property");
    const auto write = [](const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; };
    largest_allocation_bytes = 0;
    Outcomes outcomes;
    Outcomes split_outcomes;
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        RandomStream random(seed, 0, "mutation");
        const std::uint64_t which = random.below(4);
        write("set/train.rec", which <= 1 ? mutated(records, random, kLikely) : records);
        write("set/train.idx", which == 2 ? mutated(index, random, kLikely) : index);
        write("set/property", which == 3 ? mutated(property, random, kLikely) : property);
        survive(outcomes, seed, [] {
            const auto set = open_training_set(source("recordio", "set"));
            for (std::uint64_t i = 0; i < std::min<std::uint64_t>(set->size(), 8); ++i) {
                if (set->get(i).identity < 0 || set->get(i).identity >= static_cast<std::int64_t>(set->identities()))
                    throw std::logic_error("label");
            }
        });
        if (seed % 10 == 0) CHECK_NOTHROW(describe_data("set", true));
        write("split.rec", mutated(split, random, kLikely));
        survive(split_outcomes, seed, [] { (void)RecordReader("split.rec").read(0, 0); });
    }
    CHECK(outcomes.values > 100);
    CHECK(outcomes.errors > 500);
    CHECK(split_outcomes.values > 100);
    CHECK(split_outcomes.errors > 500);
    // A damaged frame header may claim up to 8192 x 8192 pixels: the one allocation that a small file can ask for.
    CHECK(largest_allocation_bytes <= std::size_t{3} * kMaxImageSide * kMaxImageSide);
}

TEST_CASE("mutated index, property, pair and landmark files give values or errors, and take little memory") {
    const FreshFolder here;
    write_rfw("set");
    const std::string pairs = read_text_file("set/txts/A/A_pairs.txt");
    const std::string landmarks = read_text_file("set/txts/A/A_lmk.txt");
    std::string index;
    for (int key = 0; key < 40; ++key) index += std::to_string(key) + "\t" + std::to_string(key * 480) + "\n";
    largest_allocation_bytes = 0;
    Outcomes outcomes[4];
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
        RandomStream random(seed, 1, "mutation");
        survive(outcomes[0], seed, [&] { (void)parse_pair_list(mutated(pairs, random, kLikely), "pairs"); });
        survive(outcomes[1], seed, [&] {
            for (const LandmarkLine& line : parse_landmarks(mutated(landmarks, random, kLikely), "landmarks")) {
                for (const Point2& point : line.points) {
                    if (!(std::abs(point.x) <= 1e4) || !(std::abs(point.y) <= 1e4)) throw std::logic_error("range");
                }
            }
        });
        std::ofstream("a.idx", std::ios::binary) << mutated(index, random, kLikely);
        survive(outcomes[2], seed, [] { (void)read_record_index("a.idx"); });
        std::ofstream("property", std::ios::binary) << mutated("93431,112,112\n", random, kLikely);
        survive(outcomes[3], seed, [] { (void)read_record_property("property"); });
    }
    for (const Outcomes& outcome : outcomes) {
        CHECK(outcome.values > 100);
        CHECK(outcome.errors > 500);
    }
    CHECK(largest_allocation_bytes <= kJustifiedBytes);
}

TEST_CASE("records that claim gigabytes take no memory") {
    const FreshFolder here;
    const auto put = [](std::uint32_t word) {
        const std::uint32_t header[] = {kRecordMagic, word, 0};
        std::ofstream("a.rec", std::ios::binary).write(reinterpret_cast<const char*>(header), sizeof header);
        largest_allocation_bytes = 0;
        CHECK_THROWS_AS(RecordReader("a.rec").read(0, 0), Error);
        CHECK(largest_allocation_bytes <= kJustifiedBytes);
    };
    for (const std::uint32_t flag : {0u, 1u, 2u, 3u, 7u}) put(flag << 29 | ((1u << 29) - 1));
    std::ofstream("a.idx", std::ios::binary) << "0\t0\n18446744073709551614\t4\n";
    largest_allocation_bytes = 0;
    CHECK_THROWS_AS(read_record_index("a.idx"), Error);
    CHECK(largest_allocation_bytes <= kJustifiedBytes);
}

TEST_CASE("mutated tables of scores give values or errors") {
    std::string table = "group,same,score,identity_a,identity_b,fold,note\n";
    for (int i = 0; i < 30; ++i)
        table += (i % 2 == 0 ? "A," : "\"B, \"\"two\"\"\",") + std::to_string(i % 3 == 0) + ",0." +
                 std::to_string(100 + i * 37 % 800) + ",p" + std::to_string(i) + ",p" + std::to_string(i % 3 == 0 ? i : i + 1) +
                 "," + std::to_string(i / 2 % 10) + ",x\n";
    largest_allocation_bytes = 0;
    Outcomes outcomes;
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
        RandomStream random(seed, 2, "mutation");
        survive(outcomes, seed, [&] {
            const ScoreList list = parse_score_csv(mutated(table, random, kLikely), "scores.csv");
            if (list.scores.size() != list.pairs.size() || list.pairs.group_begin.back() != list.pairs.size() ||
                list.pairs.group_begin.size() != list.pairs.groups.size() + 1 || list.folds.size() % list.scores.size() != 0)
                throw std::logic_error("columns of different lengths");
        });
    }
    CHECK(outcomes.values > 100);
    CHECK(outcomes.errors > 500);
    CHECK(largest_allocation_bytes <= kJustifiedBytes);
}

TEST_CASE("mutated manifests give values or errors, and no path that leaves their folder") {
    std::string table = "path,class,group,person,sex\n";
    for (int i = 0; i < 30; ++i)
        table += "images/" + std::string(i % 5 == 0 ? "../pictures/" : "") + std::to_string(i) + ".jpg," +
                 (i % 3 == 0 ? "happy" : "\"sad, \"\"very\"\"\"") + "," + (i % 2 == 0 ? "A" : "B") + ",p" +
                 std::to_string(i / 2) + "," + (i % 4 == 0 ? "f" : "m") + "\n";
    largest_allocation_bytes = 0;
    Outcomes outcomes;
    for (std::uint64_t seed = 0; seed < 4000; ++seed) {
        RandomStream random(seed, 3, "mutation");
        survive(outcomes, seed, [&] {
            const Manifest manifest = parse_manifest(mutated(table, random, kLikely), "manifest.csv");
            const ItemTable& items = manifest.items;
            if (items.size() == 0 || items.group_begin.back() != items.size() || manifest.images.size() != items.size() ||
                items.group_begin.size() != items.groups.size() + 1 || items.identity_a.size() != items.size())
                throw std::logic_error("columns of different lengths");
            for (const std::uint8_t label : items.label)
                if (label >= manifest.classes.size()) throw std::logic_error("label");
            for (const Grouping& grouping : items.groupings)
                for (const std::uint32_t group : grouping.group_of)
                    if (grouping.group_of.size() != items.size() || group >= grouping.groups.size())
                        throw std::logic_error("grouping");
            for (const std::string& image : manifest.images)
                if (image.starts_with("/") || image == ".." || image.starts_with("../") ||
                    image.find("/../") != std::string::npos)
                    throw std::logic_error("path");
        });
    }
    CHECK(outcomes.values > 100);
    CHECK(outcomes.errors > 500);
    CHECK(largest_allocation_bytes <= kJustifiedBytes);
}
