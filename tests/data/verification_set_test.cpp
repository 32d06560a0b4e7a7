/// RFW trees: pairs, landmarks, alignment, numbering of identities, and their bad input.
#include <cmath>

#include "data/align.hpp"
#include "data/pair_list.hpp"
#include "data/rfw_text.hpp"
#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "sets_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::fixture;

TEST_CASE("an RFW tree gives groups, pairs and one numbering of identities") {
    const FreshFolder here;
    std::string prefix;
    SECTION("as the set's folder") { write_rfw("set"); }
    SECTION("below test/, as in the official archive") {
        write_rfw("set/test");
        prefix = "test/";
    }
    CHECK(data_set_present(source("rfw", "set")));
    CHECK(evaluation_group_names(source("rfw", "set")) == std::vector<std::string>{"A", "B"});
    const auto set = open_verification_set(source("rfw", "set"));
    REQUIRE(set->groups().size() == 2);
    CHECK(set->identities() == 3);  // p1 is one person in both groups
    const VerificationGroup& a = set->groups()[0];
    CHECK(a.name == "A");
    REQUIRE(a.pairs.size() == 4);
    REQUIRE(a.image_paths.size() == 6);
    CHECK(a.image_paths[a.pairs[0].image_a] == prefix + "data/A/p1/p1_0001.jpg");
    CHECK(a.image_paths[a.pairs[1].image_b] == prefix + "data/A/onlyA/onlyA_0012.jpg");
    CHECK(a.pairs[0].genuine);
    CHECK(a.pairs[1].genuine);
    CHECK_FALSE(a.pairs[2].genuine);
    CHECK(a.pairs[2].image_a == a.pairs[0].image_a);
    CHECK(a.pairs[0].identity_a == a.pairs[0].identity_b);
    CHECK(a.pairs[2].identity_a != a.pairs[2].identity_b);
    CHECK(set->groups()[1].pairs[0].identity_a == a.pairs[0].identity_a);
    CHECK(set->groups()[1].pairs[1].identity_a != a.pairs[1].identity_a);
}

TEST_CASE("a subset of the groups may be named, and absent data have the names of the job") {
    const FreshFolder here;
    write_rfw("set");
    DataSource some = source("rfw", "set");
    some.groups = {"B"};
    CHECK(open_verification_set(some)->groups().size() == 1);
    some.groups = {"Bb"};
    CHECK_THROWS_WITH(open_verification_set(some), ContainsSubstring("data/Bb") && ContainsSubstring("did you mean B?"));
    CHECK(evaluation_group_names(source("rfw", "nowhere")) ==
          std::vector<std::string>{"African", "Asian", "Caucasian", "Indian"});
    DataSource absent = source("rfw", "nowhere");
    absent.groups = {"X", "Y"};
    CHECK(evaluation_group_names(absent) == absent.groups);
    CHECK_FALSE(data_set_present(absent));
    CHECK_THROWS_WITH(open_verification_set(absent), ContainsSubstring("nowhere") && ContainsSubstring("no such folder"));
    CHECK_THROWS_WITH(open_verification_set(source("rwf", "set")), ContainsSubstring("did you mean rfw"));
}

TEST_CASE("a face is moved onto the template") {
    const FreshFolder here;
    write_rfw("set");
    // A white square of 9 pixels around the image-left eye of the first image.
    Image image = flat_image(200, 240, 0);
    for (int y = 96; y <= 104; ++y) {
        for (int x = 86; x <= 94; ++x) {
            for (int c = 0; c < 3; ++c) image.pixels[static_cast<std::size_t>((y * 240 + x) * 3 + c)] = 255;
        }
    }
    write_image("set/data/A/p1/p1_0001.jpg", image);
    const auto set = open_verification_set(source("rfw", "set"));
    for (const int size : {112, 56}) {
        const Image face = set->aligned_image(0, set->groups()[0].pairs[0].image_a, size);
        REQUIRE(face.rows == size);
        REQUIRE(face.cols == size);
        double sum = 0.0;
        double sum_x = 0.0;
        double sum_y = 0.0;
        for (int y = 0; y < size; ++y) {
            for (int x = 0; x < size; ++x) {
                const double value = face.pixels[static_cast<std::size_t>((y * size + x) * 3)];
                sum += value;
                sum_x += value * x;
                sum_y += value * y;
            }
        }
        // The best similarity leaves each landmark within two pixels of the template's at 112.
        CHECK(std::abs(sum_x / sum - 38.2946 * size / 112) < 2.5);
        CHECK(std::abs(sum_y / sum - 51.6963 * size / 112) < 2.5);
    }
}

TEST_CASE("bad RFW trees are one error that names file and line") {
    const FreshFolder here;
    write_rfw("set");
    const auto open = [] { return open_verification_set(source("rfw", "set")); };
    const auto append = [](const char* path, const std::string& text) { write_text(path, read_text_file(path) + text); };
    SECTION("a pair that names an absent image") {
        append("set/txts/A/A_pairs.txt", "p1 1 7\n");
        CHECK_THROWS_WITH(open(), ContainsSubstring("A_pairs.txt, line 6") && ContainsSubstring("absent image") &&
                                      ContainsSubstring("p1_0007.jpg"));
    }
    SECTION("an image deleted after the lists were made") {
        fs::remove("set/data/B/p1/p1_0002.jpg");
        CHECK_THROWS_WITH(open(), ContainsSubstring("B_pairs.txt, line 1") && ContainsSubstring("p1_0002.jpg"));
    }
    SECTION("an image without landmarks") {
        std::string lines = read_text_file("set/txts/A/A_lmk.txt");
        write_text("set/txts/A/A_lmk.txt", lines.substr(lines.find('\n') + 1));
        CHECK_THROWS_WITH(
            open(), ContainsSubstring("without landmarks") && ContainsSubstring("p1_0001") && ContainsSubstring("A_lmk.txt"));
    }
    SECTION("a group without images") {
        fs::remove_all("set/data/B");
        CHECK_THROWS_WITH(open(), ContainsSubstring("set/data/B") && ContainsSubstring("folder of a group is missing"));
    }
    SECTION("a group without landmark file") {
        fs::remove("set/txts/B/B_lmk.txt");
        CHECK_THROWS_WITH(open(), ContainsSubstring("B_lmk.txt"));
    }
    SECTION("four fields that name one person") {
        append("set/txts/A/A_pairs.txt", "p1 1 p1 2\n");
        CHECK_THROWS_WITH(open(), ContainsSubstring("A_pairs.txt, line 6") && ContainsSubstring("one person twice"));
    }
    SECTION("a group whose name is no text") {
        fs::rename("set/data/B", "set/data/B\xe4");
        fs::create_directories("set/txts/B\xe4");
        for (const std::string kind : {"_pairs.txt", "_lmk.txt"})
            fs::rename("set/txts/B/B" + kind, "set/txts/B\xe4/B\xe4" + kind);
        CHECK_THROWS_WITH(open(), ContainsSubstring("'B\\xe4'") && ContainsSubstring("UTF-8"));
    }
    SECTION("empty pair file") {
        write_text("set/txts/A/A_pairs.txt", "\n \n");
        CHECK_THROWS_WITH(open(), ContainsSubstring("A_pairs.txt") && ContainsSubstring("no pair"));
    }
    SECTION("a landmark outside its image") {
        std::string lines = read_text_file("set/txts/A/A_lmk.txt");
        const std::size_t second = lines.find('\n') + 1;
        lines.replace(lines.find("150", second), 3, "240");  // the image has columns 0 .. 239
        write_text("set/txts/A/A_lmk.txt", lines);
        const auto set = open();
        const VerificationPair& pair = set->groups()[0].pairs[0];
        CHECK_NOTHROW(set->aligned_image(0, pair.image_a, 112));
        CHECK_THROWS_WITH(set->aligned_image(0, pair.image_b, 112), ContainsSubstring("landmark out of range") &&
                                                                        ContainsSubstring("A_lmk.txt, line 2") &&
                                                                        ContainsSubstring("240 x 200"));
    }
    SECTION("landmarks that coincide") {
        std::string lines = read_text_file("set/txts/A/A_lmk.txt");
        write_text("set/txts/A/A_lmk.txt", "/x/p1/p1_0001.jpg 0 9 9 9 9 9 9 9 9 9 9\n" + lines.substr(lines.find('\n') + 1));
        CHECK_THROWS_WITH(open()->aligned_image(0, 0, 112),
                          ContainsSubstring("coincide") && ContainsSubstring("A_lmk.txt, line 1"));
    }
    SECTION("an image that is none") {
        write_text("set/data/A/p1/p1_0001.jpg", "text");
        CHECK_THROWS_WITH(open()->aligned_image(0, 0, 112), ContainsSubstring("p1_0001.jpg"));
    }
}

TEST_CASE("pair lines: three fields are one person, four are two; anything else names its line") {
    const auto pairs = parse_pairs("a 1 2\r\n\n\tb\t12\tc\t3  \n", "p.txt");
    REQUIRE(pairs.size() == 2);
    CHECK(pairs[0].genuine);
    CHECK(pairs[0].identity_b == "a");
    CHECK(pairs[1].identity_a == "b");
    CHECK(pairs[1].number_a == 12);
    CHECK(pairs[1].identity_b == "c");
    CHECK(pairs[1].number_b == 3);
    CHECK(pairs[1].line == 3);
    CHECK(image_stem("m.01", 7) == "m.01_0007");
    CHECK(image_stem("m.01", 12345) == "m.01_12345");
    CHECK(parse_pairs("10 600\na 1 2\n", "p.txt").size() == 1);
    for (const char* bad : {"a", "a 1", "a 1 b 2 3", "a x 2", "a 1 -2", "a 1 2.0", "a 1 99999999", "../a 1 2", ".. 1 2",
                            "a 1 b/c 2", "a 1 4294967297"}) {
        CHECK_THROWS_WITH(parse_pairs(std::string("a 1 2\n") + bad, "p.txt"), ContainsSubstring("p.txt, line 2"));
    }
}

TEST_CASE("landmark lines: path, label and ten coordinates, finite and within range") {
    const auto lines = parse_landmarks(
        "/test/data/A/id/id_0001.jpg 0 1 2 3.5 4 5 6 7 8 9 1e1\nid/id_0002.png 1 2 3 4 5 6 7 8 9 10\r\n", "l.txt");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].identity == "id");
    CHECK(lines[0].file == "id_0001.jpg");
    CHECK(lines[0].points[1].x == 3.5);
    CHECK(lines[0].points[4].y == 10.0);
    CHECK(lines[1].points[0].x == 1.0);
    for (const char* value : {"nan", "inf", "-inf", "10001", "-1e5"}) {
        CHECK_THROWS_WITH(parse_landmarks("a/b.jpg 0 1 2 3 4 5 6 7 8 9 " + std::string(value), "l.txt"),
                          ContainsSubstring("landmark out of range") && ContainsSubstring("l.txt, line 1"));
    }
    for (const char* bad : {"a/b.jpg 0 1 2 3 4 5 6 7 8", "a/b.jpg 0 1 2 3 4 5 6 7 8 9 10 11", "b.jpg 0 1 2 3 4 5 6 7 8 9 10",
                            "../b.jpg 0 1 2 3 4 5 6 7 8 9 10", "a/ 0 1 2 3 4 5 6 7 8 9 10", "a/b.jpg 0 1 2 3 4 5 6 7 8 9 1x",
                            "a/b.jpg 0 1 2 3 4 5 6 7 8 9 1e999", "/ 0 1 2 3 4 5 6 7 8 9 10"}) {
        CHECK_THROWS_WITH(parse_landmarks(bad, "l.txt"), ContainsSubstring("l.txt, line 1"));
    }
}
