/// Format manifest: a table that names images with their classes, groups and people.
#include "data/manifest_set.hpp"

#include <algorithm>
#include <cmath>

#include "data/describe.hpp"
#include "data/digest.hpp"
#include "fairsweep/error.hpp"
#include "sets_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::fixture;

namespace {

using Names = std::vector<std::string>;
using Numbers = std::vector<std::uint32_t>;

Manifest read(const std::string& text, const Names& groups = {}) { return parse_manifest(text, "m.csv", groups); }

std::string cell(const char* word, int number) { return word + std::to_string(number); }

/// A PNG of 2 x 1 pixels, red and white; made with Python's struct and zlib.
const std::string kPng(
    "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x02\x00\x00\x00\x01\x08\x06\x00\x00\x00\xf4\x22\x7f\x8a\x00\x00\x00\x0f"
    "IDAT\x78\x9c\x63\xf8\xcf\xc0\xf0\x1f\x08\x1a\x00\x16\x73\x05\x7c\x26\x97\x01\xd2\x00\x00\x00\x00IEND\xae\x42\x60\x82",
    72);

/// Four images; the sorted order of the lines is 2, 4, 3, 5.
void write_manifest(const fs::path& folder) {
    for (int i = 0; i < 3; ++i) write_image(folder / "images" / (std::to_string(i) + ".jpg"), flat_image(8, 8, 40 * i));
    write_text(folder / "images" / "3.png", kPng);
    write_text(folder / "manifest.csv",
               "path,class,group,person,sex\n"
               "images/0.jpg,sad,B,ann,f\n"
               "images/1.jpg,happy,A,bob,m\n"
               "images/2.jpg,happy,B,ann,f\n"
               "images/3.png,angry,A,ann,f\n");
}

void flip_byte(const fs::path& path, std::size_t at) {
    std::string text = read_text_file(path);
    text[at] = static_cast<char>(text[at] ^ 1);
    write_text(path, text);
}

Digest digest(const fs::path& path) { return hash_data_set(source("manifest", path), {}).digest; }

}  // namespace

TEST_CASE("manifest: items are sorted by group, classes by their bytes, people have one numbering") {
    const Manifest manifest = read(
        "path,class,group,person,sex,age\n"
        "a.jpg,sad,B,ann,f,20-29\n"
        "b.jpg,happy,A,bob,m,30-39\n"
        "c.jpg,Happy,B,bob,m,30-39\n"
        "d.jpg,angry,A,ann,f,20-29\n");
    CHECK(manifest.classes == Names{"Happy", "angry", "happy", "sad"});
    const ItemTable& items = manifest.items;
    CHECK(items.groups == Names{"B", "A"});
    CHECK(items.group_begin == Numbers{0, 2, 4});
    CHECK(manifest.images == Names{"a.jpg", "c.jpg", "b.jpg", "d.jpg"});
    CHECK(manifest.lines == std::vector<std::uint64_t>{2, 4, 3, 5});
    CHECK(items.label == std::vector<std::uint8_t>{3, 0, 2, 1});
    CHECK(items.identity_a == Numbers{0, 1, 1, 0});
    CHECK(items.identity_b == items.identity_a);
    REQUIRE(items.groupings.size() == 2);
    CHECK(items.groupings[0] == Grouping{.name = "sex", .groups = {"f", "m"}, .group_of = {0, 1, 1, 0}});
    CHECK(items.groupings[1] == Grouping{.name = "age", .groups = {"20-29", "30-39"}, .group_of = {0, 1, 1, 0}});
}

TEST_CASE("manifest: columns in any order and letters' case, other separators, without group and person") {
    const Manifest manifest = read(
        "\xef\xbb\xbf"
        "Class;PATH\r\n\r\nx;\"a;1.jpg\"\r\ny;b.jpg");
    CHECK(manifest.images == Names{"a;1.jpg", "b.jpg"});
    CHECK(manifest.lines == std::vector<std::uint64_t>{3, 4});
    CHECK(manifest.items.groups == Names{"all"});
    CHECK(manifest.items.group_begin == Numbers{0, 2});
    CHECK(manifest.items.identity_a == Numbers{0, 1});
    CHECK(manifest.items.groupings.empty());
    // Who has no name is nobody else; a composed and a decomposed letter are one.
    const Manifest people = read("path\tclass\tperson\na\tx\t\nb\tx\tJos\xc3\xa9\nc\tx\tNA\nd\tx\tJose\xcc\x81\n");
    CHECK(people.items.identity_a == Numbers{0, 1, 2, 1});
    CHECK(read("path,class,group\na,x,Jos\xc3\xa9\nb,x,Jose\xcc\x81\n").items.groups.size() == 1);
    CHECK(read("path,class\n./a//b/../c.jpg,x\n").images == Names{"a/c.jpg"});
}

TEST_CASE("manifest: the groups that a job names are taken alone, in its order") {
    const std::string text = "path,class,group,person,sex\na,x,A,p,f\nb,y,B,q,m\nc,x,C,r,d\nd,x,A,s,m\n";
    const Manifest manifest = read(text, {"C", "A"});
    CHECK(manifest.items.groups == Names{"C", "A"});
    CHECK(manifest.items.group_begin == Numbers{0, 1, 3});
    CHECK(manifest.images == Names{"c", "a", "d"});
    CHECK(manifest.classes == Names{"x", "y"});  // those of the whole file
    CHECK(manifest.items.identity_a == Numbers{1, 0, 2});
    CHECK(manifest.items.groupings[0].groups == Names{"f", "d", "m"});
    CHECK_THROWS_WITH(read(text, {"A", "BB"}), ContainsSubstring("no image of group BB") && ContainsSubstring("A, B, C") &&
                                                   ContainsSubstring("did you mean B"));
}

TEST_CASE("manifest: what is no such table is one error that names file and line") {
    const auto refuses = [](const std::string& text, const std::string& line, const std::string& what) {
        INFO(text.substr(0, 100));
        CHECK_THROWS_WITH(read(text), ContainsSubstring("m.csv" + line) && ContainsSubstring(what));
        try {
            (void)read(text);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::data);
        }
    };
    refuses("", "", "empty file");
    refuses("path,group\na,A\n", ", line 1", "no column class in the first line: path, group");
    refuses("file,label\na,A\n", ", line 1", "no column path, class");
    refuses("path,class\n", ", line 1", "no images");
    refuses("path,class,Path\na,x,b\n", ", line 1", "two columns Path");
    refuses(",path,class\n0,a,x\n", ", line 1", "index=False");
    refuses("path,class\na,x\nb\n", ", line 3", "1 fields");
    refuses("path,class\n,x\n", ", line 2", "an empty path");
    refuses("path,class\na,\n", ", line 2", "an empty class");
    refuses("path,class\na,nan\n", ", line 2", "the class nan");
    refuses("path,class,group\na,x,A\nb,x,\n", ", line 3", "an empty group");
    refuses("path,class,sex\na,x,f\nb,x,\n", ", line 3", "an empty sex");
    refuses("path,class\na,\xff\n", ", line 2", "UTF-8");
    refuses("path,class\na,\"two\nlines\"\n", ", line 2", "in one line");
    refuses("path,class\nd/a,x\nb,x\nd/./a,y\n", ", line 4", "every image once: line 2");
    refuses("path,class\n../a,x\n", ", line 2", "below the manifest's folder");
    refuses("path,class\nd/../../a,x\n", ", line 2", "below the manifest's folder");
    refuses("path,class\n/data/a,x\n", ", line 2", "from the manifest's folder on");
    for (const char* bad : {".", "..", "d/", "d/..", "/"})
        refuses(std::string("path,class\n") + bad + ",x\n", ", line 2", "the path '");
    refuses(std::string("path,class\n\"a\0b\",x\n", 19), ", line 2", "the path '");
    refuses("\xff\xfep", "", "UTF-16");

    std::string classes = "path,class\n", values = "path,class,age\n", groups = "path,class,group\n";
    for (int i = 0; i < 256; ++i) classes += cell("f", i) + "," + cell("c", i) + "\n";
    CHECK(read(classes).classes.size() == 256);
    refuses(classes + "g,c\n", ", line 258", "more than 256 classes");
    for (int i = 0; i < 4096; ++i) values += cell("f", i) + ",x," + cell("", i) + "\n";
    CHECK(read(values).items.groupings[0].groups.size() == 4096);
    refuses(values + "g,x,0.5\n", ", line 4098", "more than 4096 values in column age");
    CHECK_THROWS_WITH(read(values + "g,x,0.5\n"), ContainsSubstring("looks like a number and not a group"));
    for (int i = 0; i < 4097; ++i) groups += cell("f", i) + ",x," + cell("", i) + "\n";
    refuses(groups, ", line 4098", "in column group");
}

TEST_CASE("a manifest set is read as images with classes and as a training set, JPEG and PNG") {
    const FreshFolder here;
    write_manifest("set");
    for (const char* path : {"set", "set/manifest.csv"}) {
        const auto set = open_labelled_set(source("manifest", path));
        REQUIRE(set->size() == 4);
        CHECK(set->classes() == Names{"angry", "happy", "sad"});
        CHECK(set->identities() == 3);
        CHECK(set->items().groups == Names{"B", "A"});
        const int greys[] = {0, 80, 40};
        for (std::uint64_t i = 0; i < 3; ++i) {
            const LabelledImage labelled = set->get(i);
            CHECK(labelled.identity == set->items().label[i]);
            CHECK(std::abs(labelled.image.pixels[0] - greys[i]) <= 1);
        }
        CHECK(set->get(3).image.cols == 2);
        CHECK(set->get(3).image.pixels[0] == 255);
        CHECK(set->get(3).identity == 0);
    }
    const auto training = open_training_set(source("manifest", "set"));
    CHECK(training->size() == 4);
    CHECK(training->identities() == 3);
    CHECK(training->get(0).identity == 2);
    CHECK(class_names(source("manifest", "set")) == Names{"angry", "happy", "sad"});
    CHECK(evaluation_group_names(source("manifest", "set")) == Names{"B", "A"});
    CHECK(data_set_present(source("manifest", "set")));
    CHECK(data_set_present(source("manifest", "set/manifest.csv")));
}

TEST_CASE("a manifest set that is missing, or whose images are, says so") {
    const FreshFolder here;
    write_manifest("set");
    fs::rename("set/images/2.jpg", "set/images/9.jpg");
    CHECK_THROWS_WITH(open_labelled_set(source("manifest", "set")),
                      ContainsSubstring("manifest.csv, line 4") && ContainsSubstring("set/images/2.jpg"));
    CHECK(class_names(source("manifest", "set")).size() == 3);  // images are not looked for
    CHECK(evaluation_group_names(source("manifest", "set")).size() == 2);
    fs::rename("set/images/9.jpg", "set/images/2.jpg");
    const auto set = open_labelled_set(source("manifest", "set"));
    fs::remove("set/images/2.jpg");
    CHECK_THROWS_WITH(set->get(1), ContainsSubstring("manifest.csv, line 4"));
    write_text("set/images/0.jpg", "no image");
    CHECK_THROWS_WITH(set->get(0), ContainsSubstring("set/images/0.jpg"));
    write_text("set/manifest.csv", "path,class\nimages\\1.jpg,x\n");
    CHECK_THROWS_WITH(open_labelled_set(source("manifest", "set")), ContainsSubstring("write / between folders"));

    CHECK_FALSE(data_set_present(source("manifest", "nowhere")));
    CHECK_FALSE(data_set_present(source("manifest", "set/images")));
    CHECK_THROWS_WITH(open_labelled_set(source("manifest", "nowhere")), ContainsSubstring("nowhere"));
    CHECK_THROWS_WITH(open_training_set(source("manifest", "set/images")), ContainsSubstring("no manifest.csv in it"));
    CHECK(class_names(source("manifest", "nowhere")).empty());
    CHECK(evaluation_group_names(source("manifest", "nowhere")) == Names{"all"});
    CHECK(evaluation_group_names({.name = "t", .format = "manifest", .path = "nowhere", .groups = {"A", "B"}}) ==
          Names{"A", "B"});
}

TEST_CASE("a manifest set's identity: every byte of the table and of each image, and not the folder") {
    const FreshFolder here;
    write_manifest("one");
    write_manifest("deeper/two");
    fs::rename("deeper/two/manifest.csv", "deeper/two/table.csv");
    const Digest first = digest("one");
    CHECK_FALSE(first.is_zero());
    CHECK(digest("one/manifest.csv") == first);
    CHECK(digest("deeper/two/table.csv") == first);
    write_image("one/images/unused.jpg", flat_image(8, 8, 1));
    CHECK(digest("one") == first);
    for (const char* image : {"images/0.jpg", "images/2.jpg", "images/3.png"}) {
        flip_byte(fs::path("one") / image, 40);
        CHECK(digest("one") != first);
        flip_byte(fs::path("one") / image, 40);
        CHECK(digest("one") == first);
    }
    const std::string text = read_text_file("one/manifest.csv");
    write_text("one/manifest.csv", text + "images/unused.jpg,sad,A,bob,m\n");
    CHECK(digest("one") != first);
    write_text("one/manifest.csv", text.substr(0, text.size() - 2) + "m\n");
    CHECK(digest("one") != first);
    const DataSource some{.name = "t", .format = "manifest", .path = "deeper/two/table.csv", .groups = {"A"}};
    CHECK(hash_data_set(some, {}).digest != first);
    fs::remove("one/images/0.jpg");
    CHECK_THROWS_AS(digest("one"), Error);
}

TEST_CASE("a manifest set is described: classes, groups, people, groupings, and every problem") {
    const FreshFolder here;
    write_manifest("all/expressions/test");
    const DataDescription found = describe_data("all/expressions/test", false);
    CHECK(found.format == "manifest");
    CHECK(found.images == 4);
    CHECK(found.identities == 2);
    CHECK(found.images_decoded == 4);
    CHECK(found.sizes_differ);
    CHECK(found.problem_count == 0);
    REQUIRE(found.groups.size() == 2);
    CHECK(found.groups[0].name == "B");
    CHECK(found.groups[0].images == 2);
    CHECK(found.groups[0].identities == 1);
    CHECK(found.groups[1].identities == 2);
    REQUIRE(found.classes.size() == 3);
    CHECK(found.classes[1].name == "happy");
    CHECK(found.classes[1].images == std::vector<std::uint64_t>{1, 1});
    REQUIRE(found.groupings.size() == 1);
    CHECK(found.groupings[0].images == std::vector<std::pair<std::string, std::uint64_t>>{{"f", 3}, {"m", 1}});
    CHECK(describe_data("all/expressions/test/manifest.csv", false).images == 4);

    write_rfw("all/rfw");
    const DataDescription all = describe_data("all", false);
    REQUIRE(all.parts.size() == 2);
    CHECK(all.parts[0].first == "expressions/test");

    fs::remove("all/expressions/test/images/0.jpg");
    write_text("all/expressions/test/images/1.jpg", "no image");
    const DataDescription damaged = describe_data("all/expressions/test", false);
    REQUIRE(damaged.problem_count == 2);
    CHECK(damaged.problems[0].file == "all/expressions/test/images/1.jpg");
    CHECK_THAT(damaged.problems[1].what, ContainsSubstring("line 2") && ContainsSubstring("images/0.jpg"));
    write_text("all/expressions/test/manifest.csv", "path,class\na,\n");
    const DataDescription broken = describe_data("all/expressions/test", false);
    REQUIRE(broken.problem_count == 1);
    CHECK_THAT(broken.problems[0].what, ContainsSubstring("line 2: ") && ContainsSubstring("an empty class"));
}
