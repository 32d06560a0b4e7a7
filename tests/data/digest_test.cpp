/// The identity of a data set: its bytes decide, its place does not.
#include "data/digest.hpp"

#include <chrono>

#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "data/recordio_set.hpp"
#include "sets_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::fixture;

namespace {

Digest digest(const std::string& format, const fs::path& path) { return hash_data_set(source(format, path), {}).digest; }

/// As if all files had been there for long: what changed a moment ago is never kept.
void settle(const fs::path& folder) {
    const auto before = fs::file_time_type::clock::now() - std::chrono::hours(1);
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) fs::last_write_time(entry.path(), before);
}

void flip_byte(const fs::path& path, std::size_t at) {
    std::string text = read_text_file(path);
    text[at] = static_cast<char>(text[at] ^ 1);
    write_text(path, text);
}

}  // namespace

TEST_CASE("equal bytes in another folder have the same digest, other bytes another") {
    const FreshFolder here;
    SECTION("recordio") {
        write_recordio("one");
        write_recordio("deeper/two");
        const Digest first = digest("recordio", "one");
        CHECK_FALSE(first.is_zero());
        CHECK(digest("recordio", "deeper/two") == first);
        flip_byte("one/train.rec", 8 + 24 + 100);  // inside the first image
        CHECK(digest("recordio", "one") != first);
        write_record_property("deeper/two/property", {.identities = 4, .rows = 16, .cols = 16});
        CHECK(digest("recordio", "deeper/two") != first);
    }
    SECTION("folder") {
        for (const std::string root : {"one", "deeper/two"}) {
            for (int i = 0; i < 3; ++i) write_image(root + "/a/" + std::to_string(i) + ".jpg", flat_image(8, 8, 30 * i));
        }
        const Digest first = digest("folder", "one");
        CHECK(digest("folder", "deeper/two") == first);
        fs::rename("one/a", "one/b");
        CHECK(digest("folder", "one") != first);
        write_image("deeper/two/a/1.jpg", flat_image(8, 8, 31));
        CHECK(digest("folder", "deeper/two") != first);
    }
    SECTION("rfw") {
        write_rfw("one");
        write_rfw("two/test");
        const Digest first = digest("rfw", "one");
        CHECK(digest("rfw", "two") == first);
        write_text("one/txts/A/A_images.txt", "a list that no reader needs");
        CHECK(digest("rfw", "one") == first);
        write_text("one/txts/A/A_pairs.txt", read_text_file("one/txts/A/A_pairs.txt") + "p1 2 12\n");
        CHECK(digest("rfw", "one") != first);
        write_image("two/test/data/B/p1/p1_0002.jpg", flat_image(200, 240, 181));
        CHECK(digest("rfw", "two") != first);
    }
}

TEST_CASE("every byte decides: no label, no image and no end of a file is left out") {
    const FreshFolder here;
    SECTION("labels of single records, none of whose bytes are in the index") {
        write_recordio("set", {.identities = 40, .images_each = 5});
        const Digest first = digest("recordio", "set");
        const RecordioSet set = read_recordio_set("set");
        for (const std::size_t image : {std::size_t{3}, std::size_t{101}, std::size_t{198}}) {
            const std::size_t label = set.image_offsets[image] + 8 + 4;  // header of the part, flag, then the label
            flip_byte("set/train.rec", label + 2);
            CHECK(digest("recordio", "set") != first);
            flip_byte("set/train.rec", label + 2);
        }
        CHECK(digest("recordio", "set") == first);
    }
    SECTION("images of equal size") {
        for (int i = 0; i < 200; ++i) write_image("set/a/" + std::to_string(i) + ".jpg", flat_image(8, 8, 100));
        const Digest first = digest("folder", "set");
        for (const int i : {0, 57, 131}) {
            flip_byte("set/a/" + std::to_string(i) + ".jpg", 40);
            CHECK(digest("folder", "set") != first);
            flip_byte("set/a/" + std::to_string(i) + ".jpg", 40);
            CHECK(digest("folder", "set") == first);
        }
    }
    SECTION("damaged records are reported") {
        write_recordio("cut");
        fs::resize_file("cut/train.rec", fs::file_size("cut/train.rec") - 100);
        CHECK_THROWS_AS(digest("recordio", "cut"), Error);
        write_recordio("magic");
        flip_byte("magic/train.rec", 0);
        CHECK_THROWS_AS(digest("recordio", "magic"), Error);
    }
    SECTION("missing data have none") {
        for (const char* format : {"folder", "recordio", "rfw"}) CHECK_THROWS_AS(digest(format, "nowhere"), Error);
    }
}

TEST_CASE("an unchanged set is read once, a changed one again") {
    const FreshFolder here;
    write_recordio("recordio");
    write_rfw("rfw");
    for (int i = 0; i < 3; ++i) write_image("folder/a/" + std::to_string(i) + ".jpg", flat_image(8, 8, 30 * i));
    for (const std::string format : {"recordio", "folder", "rfw"}) {
        INFO(format);
        const DataSource data = source(format, format);
        settle(format);
        const DataSetHash first = hash_data_set(data, "cache");
        CHECK(first.bytes_read > 0);
        const DataSetHash again = hash_data_set(data, "cache");
        CHECK(again.digest == first.digest);
        CHECK(again.bytes_read == 0);
        CHECK(hash_data_set(data, {}).bytes_read == first.bytes_read);
    }
    const DataSource data = source("recordio", "recordio");
    const Digest first = hash_data_set(data, "cache").digest;
    flip_byte("recordio/train.rec", 8 + 24 + 100);
    settle("recordio");  // the same size and time as before, but another inode
    const DataSetHash changed = hash_data_set(data, "cache");
    CHECK(changed.digest != first);
    CHECK(changed.bytes_read > 0);
    CHECK(hash_data_set(data, "cache").bytes_read == 0);
    for (const auto& entry : fs::directory_iterator("cache")) flip_byte(entry.path(), 70);  // a damaged note is no note
    CHECK(hash_data_set(data, "cache").digest == changed.digest);
}

TEST_CASE("what changed a moment ago is not kept, nor what has no place to be kept") {
    const FreshFolder here;
    write_recordio("set");
    const DataSource data = source("recordio", "set");
    CHECK(hash_data_set(data, "cache").bytes_read > 0);
    CHECK(hash_data_set(data, "cache").bytes_read > 0);
    settle("set");
    write_text("./file", "where a folder is wanted");
    CHECK(hash_data_set(data, "file/below").bytes_read > 0);  // a warning
}
