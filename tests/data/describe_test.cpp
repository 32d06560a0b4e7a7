/// describe_data: the right counts for sound sets, the right places for damaged ones.
#include "data/describe.hpp"

#include <algorithm>

#include "fairsweep/error.hpp"
#include "sets_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::fixture;

namespace {

bool lists(const DataDescription& description, const std::string& file, std::optional<std::uint64_t> offset,
           const std::string& what) {
    return std::any_of(description.problems.begin(), description.problems.end(), [&](const DataProblem& problem) {
        return problem.file == file && problem.offset == offset && problem.what.find(what) != std::string::npos;
    });
}

}  // namespace

TEST_CASE("sound sets are counted, alone and together") {
    const FreshFolder here;
    write_recordio("all/train");
    write_rfw("all/test");
    for (int i = 0; i < 3; ++i) write_image("all/photos/x/" + std::to_string(i) + ".jpg", flat_image(10, 20 + i, 9));
    const DataDescription train = describe_data("all/train", false);
    CHECK(train.format == "recordio");
    CHECK(train.images == 12);
    CHECK(train.identities == 3);
    CHECK(train.image_size == std::pair{16, 16});
    CHECK(train.problem_count == 0);
    const DataDescription test = describe_data("all/test", false);
    CHECK(test.format == "rfw");
    CHECK(test.images == 12);
    CHECK(test.identities == 3);
    REQUIRE(test.groups.size() == 2);
    CHECK(test.groups[1].name == "B");
    CHECK(test.groups[1].images == 6);
    CHECK(test.groups[1].identities == 2);
    CHECK(test.groups[1].pairs == 4);
    CHECK(test.image_size == std::pair{200, 240});
    CHECK(test.problem_count == 0);
    const DataDescription photos = describe_data("all/photos", true);
    CHECK(photos.format == "folder");
    CHECK(photos.images == 3);
    CHECK(photos.sizes_differ);
    CHECK_FALSE(photos.image_size.has_value());
    const DataDescription all = describe_data("all", false);
    CHECK(all.format == "collection");
    CHECK(all.parts.size() == 3);
    CHECK(all.images == 27);
    CHECK(all.images_decoded == 27);
    CHECK(all.groups.size() == 2);
    CHECK_THROWS_AS(describe_data("nowhere", false), Error);
    CHECK_THROWS_AS(describe_data("all/test/txts", false), Error);
}

TEST_CASE("damage in records is listed with its offset, and what follows is still read") {
    const FreshFolder here;
    write_recordio("set");
    const auto index = read_record_index("set/train.idx");
    std::string records = read_text_file("set/train.rec");
    const std::string whole = records;
    SECTION("a wrong magic") {
        records[index[5]] = 'x';
        write_text("set/train.rec", records);
        const DataDescription found = describe_data("set", false);
        CHECK(lists(found, "set/train.rec", index[5], "magic"));
        CHECK(lists(found, "set/train.rec", index[5], "none starts here"));
        CHECK(found.images_decoded == 11);
        CHECK(found.problem_count == 3);  // walking the records, comparing with the index, and reading the image
    }
    SECTION("a damaged image") {
        records[index[7] + 8 + 24] = 'x';
        write_text("set/train.rec", records);
        const DataDescription found = describe_data("set", false);
        CHECK(found.problem_count == 1);
        CHECK(lists(found, "set/train.rec", index[7], "image"));
    }
    SECTION("a label beyond the property, and other pixels than it says") {
        write_record_property("set/property", {.identities = 2, .rows = 16, .cols = 17});
        const DataDescription found = describe_data("set", false);
        CHECK(lists(found, "set/train.rec", index[9], "label 2"));
        CHECK(lists(found, "set/train.rec", index[1], "16 x 16 pixels"));
        CHECK(lists(found, "set/property", std::nullopt, "2 identities"));
        CHECK(found.problem_count == 13);
    }
    SECTION("a record that the index does not name") {
        RecordWriter writer("extra.rec");
        writer.write(std::vector<std::byte>(32));
        writer.close();
        write_text("set/train.rec", whole + read_text_file("extra.rec"));
        const DataDescription found = describe_data("set", false);
        CHECK(found.problem_count == 1);
        CHECK(lists(found, "set/train.rec", whole.size(), "no line of the .idx"));
    }
    SECTION("no key 0") {
        const std::string lines = read_text_file("set/train.idx");
        write_text("set/train.idx", lines.substr(0, lines.rfind("\n0\t") + 1));
        const DataDescription found = describe_data("set", false);
        CHECK(found.problem_count == 1);
        CHECK(lists(found, "set/train.idx", std::nullopt, "key 0"));
    }
    SECTION("cut off anywhere") {
        for (std::size_t size = 0; size < whole.size(); size += 97) {
            write_text("set/train.rec", whole.substr(0, size));
            CHECK(describe_data("set", false).problem_count > 0);
        }
    }
}

TEST_CASE("damage in an RFW tree is listed whole") {
    const FreshFolder here;
    write_rfw("set");
    fs::remove("set/data/A/p1/p1_0002.jpg");
    write_text("set/data/A/onlyA/onlyA_0001.jpg", "no image");
    std::string lines = read_text_file("set/txts/B/B_lmk.txt");
    lines.replace(lines.find("160 145"), 3, "200");  // rows are 0 .. 199
    write_text("set/txts/B/B_lmk.txt", lines);
    write_text("set/txts/B/B_pairs.txt", read_text_file("set/txts/B/B_pairs.txt") + "p1 1 1\np1 1 p1 2\np1 5 6\n");
    write_text("set/txts/B/B_images.txt", "p1_0001.jpg 0\n");
    fs::create_directories("set/data/C");
    const DataDescription found = describe_data("set", false);
    CHECK(lists(found, "set/txts/A/A_pairs.txt", std::nullopt, "line 1: a pair names an absent image: p1/p1_0002"));
    CHECK(lists(found, "set/data/A/onlyA/onlyA_0001.jpg", std::nullopt, "image"));
    CHECK(lists(found, "set/txts/B/B_lmk.txt", std::nullopt, "line 1: landmark out of range"));
    CHECK(lists(found, "set/txts/B/B_pairs.txt", std::nullopt, "line 6: an image paired with itself"));
    CHECK(lists(found, "set/txts/B/B_pairs.txt", std::nullopt, "line 7: a pair of different people names one person twice"));
    CHECK(lists(found, "set/txts/B/B_pairs.txt", std::nullopt, "line 8: a pair names an absent image: p1/p1_0005"));
    CHECK(lists(found, "set/txts/B/B_images.txt", std::nullopt, "1 images, and 6 on disk"));
    CHECK(lists(found, "set/data/C", std::nullopt, "no pair file"));
    CHECK(found.problem_count == 9);  // p1/p1_0006 as well
    CHECK(std::is_sorted(found.problems.begin(), found.problems.end(),
                         [](const auto& a, const auto& b) { return a.file < b.file; }));
}
