/// The identity of a data set: its bytes decide, its place does not.
#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "sets_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::fixture;

namespace {

Digest digest(const std::string& format, const fs::path& path) { return data_set_digest(source(format, path)); }

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

TEST_CASE("a set of more images than are sampled changes its digest with any size, and missing data have none") {
    const FreshFolder here;
    for (int i = 0; i < 200; ++i) write_image("set/a/" + std::to_string(i) + ".jpg", flat_image(8, 8, 100));
    const Digest first = digest("folder", "set");
    for (const int i : {0, 57, 131}) {
        const fs::path path = "set/a/" + std::to_string(i) + ".jpg";
        const std::string whole = read_text_file(path);
        write_text(path, whole + "x");
        CHECK(digest("folder", "set") != first);
        write_text(path, whole);
        CHECK(digest("folder", "set") == first);
    }
    CHECK_THROWS_AS(digest("folder", "nowhere"), Error);
    CHECK_THROWS_AS(digest("recordio", "nowhere"), Error);
    CHECK_THROWS_AS(digest("rfw", "nowhere"), Error);
}
