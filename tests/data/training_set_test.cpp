/// Training sets: insightface's RecordIO folder in its variants, folders of images, and their bad input.
#include <cmath>
#include <thread>

#include "data/recordio_layout.hpp"
#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "sets_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::fixture;

namespace {

void check_whole_set(const TrainingSet& set) {
    REQUIRE(set.size() == 12);
    CHECK(set.identities() == 3);
    for (std::uint64_t i = 0; i < set.size(); ++i) {
        const LabelledImage labelled = set.get(i);
        CHECK(labelled.identity == static_cast<std::int64_t>(i / 4));
        CHECK(labelled.image.rows == 16);
        REQUIRE(labelled.image.pixels.size() == 16 * 16 * 3);
        CHECK(std::abs(labelled.image.pixels[0] - static_cast<int>(20 * (i / 4) + 2 * (i % 4))) <= 1);
    }
}

/// Appends another record 0 to the .rec and points the .idx to it.
void replace_key_zero(const fs::path& folder, const std::vector<float>& labels) {
    std::vector<std::uint64_t> offsets = read_record_index(folder / "train.idx");
    RecordWriter writer("zero.rec");
    (void)writer.write(encode_image_record({.flag = 2, .labels = labels, .id = 0, .id2 = 0, .encoded = {}}));
    writer.close();
    const std::string records = read_text_file(folder / "train.rec");
    offsets[0] = records.size();
    write_text(folder / "train.rec", records + read_text_file("zero.rec"));
    std::vector<IndexEntry> entries;
    for (const std::uint64_t offset : offsets) entries.push_back({entries.size(), offset});
    write_record_index(folder / "train.idx", entries);
}

/// Where images and identity records of a set of millions end, by find_images(): three records serve all keys.
std::pair<std::uint64_t, std::uint64_t> ends_of(std::uint64_t images, std::uint64_t identities) {
    RecordWriter writer("large.rec");
    const auto jpeg = encode_jpeg(flat_image(8, 8, 90), 90);
    const std::uint64_t images_end = images + 1, keys = images + 1 + identities;
    const std::vector<float> whole{static_cast<float>(images_end), static_cast<float>(keys)};
    const std::uint64_t zero = writer.write(encode_image_record({.flag = 2, .labels = whole, .id = 0, .id2 = 0, .encoded = {}}));
    const std::uint64_t image =
        writer.write(encode_image_record({.flag = 0, .labels = {0.0F}, .id = 1, .id2 = 0, .encoded = jpeg}));
    const std::uint64_t identity =
        writer.write(encode_image_record({.flag = 2, .labels = {1.0F, 2.0F}, .id = 2, .id2 = 0, .encoded = {}}));
    writer.close();
    std::vector<std::uint64_t> offsets(keys, identity);
    std::fill(offsets.begin() + 1, offsets.begin() + static_cast<std::ptrdiff_t>(images_end), image);
    offsets[0] = zero;
    RecordioSet set{.files = {"large.rec", "large.idx", "property"},
                    .reader = RecordReader("large.rec"),
                    .property = {},
                    .image_offsets = {},
                    .identity_offsets = {}};
    find_images(set, std::move(offsets));
    return {set.image_offsets.size(), set.identity_offsets.size()};
}

}  // namespace

TEST_CASE("key 0 of sets with more than 2^24 images is understood, where float32 holds even numbers only") {
    const FreshFolder here;
    CHECK(ends_of(17091657, 360232) == std::pair<std::uint64_t, std::uint64_t>{17091657, 360232});  // Glint360K: both even
    for (const std::uint64_t images : {16777215, 16777216, 16777218, 17000000, 17000002})
        for (const std::uint64_t identities : {1000, 1001}) {
            INFO(images << " images of " << identities);
            CHECK(ends_of(images, identities) == std::pair<std::uint64_t, std::uint64_t>{images, identities});
        }
}

TEST_CASE("a RecordIO folder is read in every variant that packers write") {
    const FreshFolder here;
    SECTION("key 0 and identity records, scalar labels") { write_recordio("set"); }
    SECTION("face2rec2: two labels in image records") { write_recordio("set", {.image_flag = 2}); }
    SECTION("sequential: every key is an image") { write_recordio("set", {.with_index_records = false}); }
    SECTION("sequential with two labels: key 0 carries an image") {
        write_recordio("set", {.with_index_records = false, .image_flag = 2});
    }
    SECTION("im2rec: a sequence without property") {
        write_recordio("set", {.with_index_records = false});
        fs::remove("set/property");
    }
    SECTION("without property, identities by their records") {
        write_recordio("set");
        fs::remove("set/property");
    }
    SECTION("a sequence whose keys count from 1") {
        write_recordio("set", {.with_index_records = false});
        const std::vector<std::uint64_t> offsets = read_record_index("set/train.idx");
        std::vector<IndexEntry> entries;
        for (const std::uint64_t offset : offsets) entries.push_back({entries.size() + 1, offset});
        write_record_index("set/train.idx", entries);
    }
    SECTION("key 0 is one too large or too small for its images") {
        const float wrong = GENERATE(12.0F, 14.0F);
        write_recordio("set");
        replace_key_zero("set", {wrong, 16.0F});
    }
    SECTION("property as editors of Windows write it") {
        write_recordio("set");
        write_text("set/property",
                   "\xef\xbb\xbf"
                   "3, 16, 16\r\n");
    }
    SECTION("another name of the files") {
        write_recordio("set");
        fs::rename("set/train.rec", "set/faces.rec");
        fs::rename("set/train.idx", "set/faces.idx");
    }
    CHECK(data_set_present(source("recordio", "set")));
    check_whole_set(*open_training_set(source("recordio", "set")));
}

TEST_CASE("a RecordIO set may be read by several threads") {
    const FreshFolder here;
    write_recordio("set");
    const auto set = open_training_set(source("recordio", "set"));
    std::vector<int> wrong(4, 0);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 200; ++i)
                wrong[t] += set->get((i * 7 + t) % 12).identity != static_cast<std::int64_t>((i * 7 + t) % 12 / 4);
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("bad RecordIO folders are one clear error") {
    const FreshFolder here;
    write_recordio("set");
    const auto open = [] { return open_training_set(source("recordio", "set")); };
    SECTION("key 0 missing") {
        std::string index = read_text_file("set/train.idx");
        write_text("set/train.idx", index.substr(0, index.rfind("\n0\t") + 1));
        CHECK_THROWS_WITH(open(), ContainsSubstring("key 0") && ContainsSubstring("train.idx"));
    }
    SECTION("an image key missing") {
        std::string index = read_text_file("set/train.idx");
        const std::size_t line = index.find("\n5\t") + 1;
        write_text("set/train.idx", index.erase(line, index.find('\n', line) + 1 - line));
        CHECK_THROWS_WITH(open(), ContainsSubstring("key 5 is missing"));
    }
    SECTION("empty index") {
        write_text("set/train.idx", "");
        CHECK_THROWS_WITH(open(), ContainsSubstring("key 0") && ContainsSubstring("empty"));
    }
    SECTION("index cut off: key 0 promises more keys than there are") {
        const std::string index = read_text_file("set/train.idx");
        write_text("set/train.idx", "0\t" + index.substr(index.rfind('\t') + 1) + index.substr(0, index.find("\n7\t") + 1));
        CHECK_THROWS_WITH(open(), ContainsSubstring("key 0") && ContainsSubstring("cut off"));
    }
    SECTION("empty records") {
        write_text("set/train.rec", "");
        CHECK_THROWS_WITH(open(), ContainsSubstring("train.rec") && ContainsSubstring("truncated"));
    }
    SECTION("no index") {
        fs::remove("set/train.idx");
        CHECK_FALSE(data_set_present(source("recordio", "set")));
        CHECK_THROWS_WITH(open(), ContainsSubstring("train.idx") && ContainsSubstring("rec2idx"));
    }
    SECTION("the line of key 0 lost, and more lines") {
        const std::string index = read_text_file("set/train.idx");
        write_text("set/train.idx", index.substr(0, index.find("\n9\t") + 1));
        CHECK_THROWS_WITH(open(), ContainsSubstring("key 0") && ContainsSubstring("goes on behind"));
    }
    SECTION("a key 0 that the records contradict") {
        replace_key_zero("set", {9.0F, 16.0F});
        CHECK_THROWS_WITH(open(), ContainsSubstring("record 10 holds an image"));
        replace_key_zero("set", {16.0F, 16.0F});
        CHECK_THROWS_WITH(open(), ContainsSubstring("holds no image"));
        replace_key_zero("set", {1.5F, 16.0F});
        CHECK_THROWS_WITH(open(), ContainsSubstring("two whole numbers") && !ContainsSubstring("cut off"));
    }
    SECTION("labels without property that are no class numbers") {
        write_recordio("set", {.with_index_records = false, .first_label = 0.5F});
        fs::remove("set/property");
        CHECK_THROWS_WITH(open(), ContainsSubstring("label 0.5") && ContainsSubstring("record 0"));
    }
    SECTION("a Git LFS pointer instead of the records") {
        write_text("set/train.rec", "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789\nsize 3\n");
        CHECK_THROWS_WITH(open(), ContainsSubstring("a Git LFS pointer") && ContainsSubstring("git lfs pull"));
    }
    SECTION("a label beyond the property") {
        write_recordio("set", {.first_label = 1.0f});
        const auto set = open();
        CHECK(set->get(0).identity == 1);
        CHECK_THROWS_WITH(set->get(11),
                          ContainsSubstring("label 3") && ContainsSubstring("from 0 to 2") && ContainsSubstring("record 12"));
    }
    SECTION("labels that are no class numbers") {
        for (const float label : {-1.0f, 0.5f, std::nanf(""), INFINITY}) {
            write_recordio("set", {.first_label = label});
            CHECK_THROWS_WITH(open()->get(0), ContainsSubstring("label"));
        }
    }
    SECTION("a damaged image names file, offset and record") {
        std::string records = read_text_file("set/train.rec");
        records[8 + 24] = '?';  // the first byte of the first JPEG
        write_text("set/train.rec", records);
        CHECK_THROWS_WITH(open()->get(0), ContainsSubstring("train.rec, offset 0, record 1"));
    }
    SECTION("no such folder, and a folder without a set") {
        CHECK_THROWS_WITH(open_training_set(source("recordio", "nowhere")),
                          ContainsSubstring("nowhere") && ContainsSubstring("no such folder"));
        fs::create_directories("empty");
        CHECK_THROWS_WITH(open_training_set(source("recordio", "empty")), ContainsSubstring("train.rec"));
    }
    SECTION("a misspelt format") {
        CHECK_THROWS_WITH(open_training_set(source("recordoi", "set")), ContainsSubstring("did you mean recordio"));
        CHECK_THROWS_AS(data_set_present(source("x", "set")), Error);
        CHECK_THROWS_AS(data_set_digest(source("x", "set")), Error);
    }
}

TEST_CASE("a folder of images is read in the order of its names") {
    const FreshFolder here;
    write_image("set/b/1.jpg", flat_image(8, 9, 60));
    write_image("set/a/2.JPG", flat_image(8, 9, 20));
    write_image("set/a/10.jpeg", flat_image(8, 9, 40));
    write_text("set/a/notes.txt", "no image");
    write_text("set/list.txt", "no folder");
    fs::create_directories("set/c");
    const auto set = open_training_set(source("folder", "set"));
    REQUIRE(set->size() == 3);
    CHECK(set->identities() == 2);
    const int greys[] = {40, 20, 60};
    const int identities[] = {0, 0, 1};
    for (std::uint64_t i = 0; i < 3; ++i) {
        const LabelledImage labelled = set->get(i);
        CHECK(labelled.identity == identities[i]);
        CHECK(labelled.image.cols == 9);
        CHECK(std::abs(labelled.image.pixels[0] - greys[i]) <= 1);
    }
    write_text("set/b/1.jpg", "not an image");
    CHECK_THROWS_WITH(set->get(2), ContainsSubstring("set/b/1.jpg"));
    CHECK_THROWS_WITH(open_training_set(source("folder", "set/c")), ContainsSubstring("identity/image.jpg"));
    CHECK_THROWS_WITH(open_training_set(source("folder", "nowhere")), ContainsSubstring("nowhere"));
}
