/// Whole data sets: layout as the readers of the real sets see it, same bytes, all or nothing.
#include "faces/make_data.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "data/recordio.hpp"
#include "data/record_index.hpp"
#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/hash.hpp"
#include "faces/expressions.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::faces;
namespace fs = std::filesystem;

namespace {

FaceDataParameters small(std::uint64_t seed = 1) {
    FaceDataParameters p;
    p.seed = seed;
    p.groups = parse_groups("A,B", seed);
    p.identities = 3, p.images = 4, p.calibration_identities = 2, p.calibration_images = 3, p.test_identities = 5, p.pairs = 40;
    return p;
}

void ignore(std::uint64_t, std::uint64_t) {}

std::map<std::string, std::string> content(const fs::path& folder) {
    std::map<std::string, std::string> digests;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) digests[fs::relative(entry.path(), folder).string()] = sha256_of_file(entry.path()).hex();
    }
    return digests;
}

template <class Work>
std::pair<ErrorKind, std::string> error_of(Work work) {
    try {
        work();
    } catch (const Error& error) {
        return {error.kind(), error.what()};
    }
    FAIL("nothing was thrown");
    return {};
}

std::size_t lines_of(const fs::path& file) {
    const std::string text = read_text_file(file);
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("the same parameters give the same bytes with one thread and with two, another seed gives others") {
    CHECK(make_data("one", small(), 1, ignore) == MakeResult::made);
    CHECK(make_data("two/", small(), 2, ignore) == MakeResult::made);
    CHECK(make_data("other", small(2), 2, ignore) == MakeResult::made);
    const auto one = content("one");
    CHECK(one.size() == 2 * 3 + 2 + 2 * (5 * 4 + 4));  // two RecordIO sets, two JSON files, crops and lists of two groups
    CHECK(one == content("two"));
    const auto other = content("other");
    CHECK(one.at("train/train.rec") != other.at("train/train.rec"));
    CHECK(one.at("train/property") == other.at("train/property"));
    CHECK(!fs::exists("one.partial"));
}

TEST_CASE("the training sets read back: every image, label and index record") {
    static_cast<void>(make_data("faces", small(), 2, ignore));
    const auto train = open_training_set({.name = "t", .format = "recordio", .path = "faces/train", .groups = {}});
    REQUIRE(train->size() == 2 * 3 * 4);
    CHECK(train->identities() == 6);
    for (std::uint64_t i = 0; i < train->size(); ++i) {
        const LabelledImage labelled = train->get(i);
        CHECK(labelled.identity == static_cast<std::int64_t>(i / 4));
        CHECK(labelled.image.rows == 112);
        CHECK(labelled.image.cols == 112);
    }
    const auto synthetic = open_training_set({.name = "s", .format = "recordio", .path = "faces/synthetic", .groups = {}});
    CHECK(synthetic->size() == 2 * 2 * 3);
    CHECK(synthetic->identities() == 4);

    const std::vector<std::uint64_t> offsets = read_record_index("faces/train/train.idx");
    REQUIRE(offsets.size() == 1 + 24 + 6);
    const RecordReader reader("faces/train/train.rec");
    const Record head = reader.read(offsets[0], 0), first_person = reader.read(offsets[25], 25),
                 last_person = reader.read(offsets[30], 30);
    CHECK(decode_image_record(head.payload, "0").labels == std::vector<float>{25, 31});
    CHECK(decode_image_record(first_person.payload, "25").labels == std::vector<float>{1, 5});
    CHECK(decode_image_record(last_person.payload, "30").labels == std::vector<float>{21, 25});
    CHECK(last_person.next_offset == reader.size_bytes());
}

TEST_CASE("the test set reads back as RFW: folds, counts, landmarks that align") {
    static_cast<void>(make_data("faces", small(), 2, ignore));
    const DataSource source{.name = "test", .format = "rfw", .path = "faces/test", .groups = {}};
    const auto test = open_verification_set(source);
    CHECK(evaluation_group_names(source) == std::vector<std::string>{"A", "B"});
    REQUIRE(test->groups().size() == 2);
    CHECK(test->identities() == 10);
    for (std::size_t g = 0; g < 2; ++g) {
        const VerificationGroup& group = test->groups()[g];
        REQUIRE(group.pairs.size() == 40);
        for (std::size_t i = 0; i < 40; ++i) CHECK(group.pairs[i].genuine == (i % 4 < 2));
        const Image aligned = test->aligned_image(g, 0, 112);
        CHECK(aligned.rows == 112);
        const fs::path texts = fs::path("faces/test/txts") / group.name;
        CHECK(lines_of(texts / (group.name + "_pairs.txt")) == 40);
        CHECK(lines_of(texts / (group.name + "_lmk.txt")) == 20);
        CHECK(lines_of(texts / (group.name + "_images.txt")) == 20);
        CHECK(lines_of(texts / (group.name + "_people.txt")) == 5);
    }
    CHECK(data_set_digest(source) == data_set_digest(source));
    static_cast<void>(make_data("moved", small(), 1, ignore));
    CHECK(data_set_digest(source) == data_set_digest({.name = "test", .format = "rfw", .path = "moved/test", .groups = {}}));
}

TEST_CASE("a finished folder is left alone; other parameters, other files and damage are refused") {
    static_cast<void>(make_data("faces", small(), 2, ignore));
    const auto time = fs::last_write_time("faces/train/train.rec");
    CHECK(make_data("faces", small(), 1, ignore) == MakeResult::already_there);
    CHECK(fs::last_write_time("faces/train/train.rec") == time);
    CHECK(!fs::exists("faces.partial"));

    CHECK(error_of([] { static_cast<void>(make_data("faces", small(2), 1, ignore)); }).first == ErrorKind::usage);
    fs::create_directory("mine");
    std::ofstream("mine/thesis.txt") << "years of work";
    CHECK(error_of([] { static_cast<void>(make_data("mine", small(), 1, ignore)); }).first == ErrorKind::usage);
    CHECK(fs::exists("mine/thesis.txt"));
    std::ofstream("mine/manifest.json") << "{]";
    CHECK(error_of([] { static_cast<void>(make_data("mine", small(), 1, ignore)); }).first == ErrorKind::usage);
    std::ofstream("file") << "x";
    CHECK(error_of([] { static_cast<void>(make_data("file", small(), 1, ignore)); }).first == ErrorKind::usage);
    fs::create_directory("empty");
    CHECK(make_data("empty", small(), 2, ignore) == MakeResult::made);

    fs::resize_file("faces/train/train.rec", 1000);
    const auto [kind, text] = error_of([] { static_cast<void>(make_data("faces", small(), 1, ignore)); });
    CHECK(kind == ErrorKind::data);
    CHECK_THAT(text, ContainsSubstring("train.rec"));
}

TEST_CASE("a killed run leaves nothing that looks finished, and the next one gives the same bytes") {
    static_cast<void>(make_data("undisturbed", small(), 1, ignore));
    for (const std::uint64_t deadly : {1U, 25U, 40U, 76U}) {  // in train, in synthetic, in test, after the last image
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            static_cast<void>(make_data("killed", small(), 1, [deadly](std::uint64_t done, std::uint64_t) {
                if (done == deadly) ::raise(SIGKILL);
            }));
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        CHECK(!fs::exists("killed"));
        CHECK(fs::exists("killed.partial"));
    }
    CHECK(make_data("killed", small(), 2, ignore) == MakeResult::made);
    CHECK(content("killed") == content("undisturbed"));
    CHECK(!fs::exists("killed.partial"));
}

TEST_CASE("while one process makes a folder, a second one is refused") {
    bool asked = false;
    static_cast<void>(make_data("shared", small(), 1, [&asked](std::uint64_t, std::uint64_t) {
        if (asked) return;
        asked = true;
        CHECK(error_of([] { static_cast<void>(make_data("shared", small(), 1, ignore)); }).first == ErrorKind::usage);
    }));
    CHECK(asked);
    CHECK(fs::exists("shared/manifest.json"));
}

TEST_CASE("a disk that takes no more is one infrastructure error, and nothing looks finished") {
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    rlimit tight = before;
    tight.rlim_cur = 20000;  // bytes a file: less than train.rec
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    const auto kind = error_of([] { static_cast<void>(make_data("full", small(), 2, ignore)); }).first;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, previous);
    CHECK(kind == ErrorKind::infrastructure);
    CHECK(!fs::exists("full"));
    CHECK(error_of([] { static_cast<void>(make_data("/proc/faces", small(), 1, ignore)); }).first == ErrorKind::infrastructure);
}

TEST_CASE("numbers that cannot be made are refused with the option's name before anything is written") {
    const auto refusal = [](auto change) {
        FaceDataParameters p = small();
        change(p);
        const auto [kind, text] = error_of([&p] { static_cast<void>(make_data("never", p, 1, ignore)); });
        CHECK(kind == ErrorKind::usage);
        CHECK(!fs::exists("never"));
        CHECK(!fs::exists("never.partial"));
        return text;
    };
    CHECK_THAT(refusal([](FaceDataParameters& p) { p.pairs = 50; }), ContainsSubstring("multiple of 20"));
    CHECK_THAT(refusal([](FaceDataParameters& p) { p.pairs = 0; }), ContainsSubstring("--pairs"));
    CHECK_THAT(refusal([](FaceDataParameters& p) { p.identities = 0; }), ContainsSubstring("--identities"));
    CHECK_THAT(refusal([](FaceDataParameters& p) { p.images = 20000; }), ContainsSubstring("--images"));
    CHECK_THAT(refusal([](FaceDataParameters& p) { p.test_identities = 1; }), ContainsSubstring("--test-identities"));
    CHECK_THAT(refusal([](FaceDataParameters& p) { p.identities = 100000, p.images = 10000; }), ContainsSubstring("groups"));
    CHECK_THAT(refusal([](FaceDataParameters& p) { p.expressions = 100001; }), ContainsSubstring("--expressions"));
}

TEST_CASE("with expressions the other sets have the same bytes, and those of expressions do not depend on threads") {
    FaceDataParameters with = small();
    with.expressions = 3;
    static_cast<void>(make_data("without", small(), 2, ignore));
    CHECK(make_data("with", with, 1, ignore) == MakeResult::made);
    CHECK(make_data("with2", with, 2, ignore) == MakeResult::made);
    CHECK(make_data("with", with, 1, ignore) == MakeResult::already_there);
    CHECK(error_of([] { static_cast<void>(make_data("with", small(), 1, ignore)); }).first == ErrorKind::usage);
    CHECK(total_images(with) == total_images(small()) + 2 * 2 * 4 * 3);
    auto all = content("with");
    CHECK(all == content("with2"));
    const auto old = content("without");
    CHECK(all.size() == old.size() + 2 * (2 * 4 * 3 + 1));
    for (const auto& [file, digest] : old)
        if (file != "manifest.json") CHECK(all.at(file) == digest);
    with.seed = 2;
    static_cast<void>(make_data("other-expressions", with, 2, ignore));
    CHECK(content("other-expressions").at("expressions/test/images/A-00001-happy.jpg") !=
          all.at("expressions/test/images/A-00001-happy.jpg"));
    CHECK(all.at("expressions/test/images/A-00001-happy.jpg") != all.at("expressions/train/images/A-00001-happy.jpg"));
    fs::remove("with2/expressions/test/manifest.csv");
    with.seed = 1;
    CHECK(error_of([&] { static_cast<void>(make_data("with2", with, 1, ignore)); }).first == ErrorKind::data);
}

TEST_CASE("sets of expressions read back: classes and groups balanced, a lamp per image, other people in train and test") {
    FaceDataParameters parameters = small();
    parameters.expressions = 5;
    static_cast<void>(make_data("read-back", parameters, 2, ignore));
    std::set<std::vector<std::uint8_t>> pictures;
    for (const char* path : {"read-back/expressions/train", "read-back/expressions/test"}) {
        INFO(path);
        const DataSource data{.name = "e", .format = "manifest", .path = path, .groups = {}};
        const auto set = open_labelled_set(data);
        CHECK(set->classes() == std::vector<std::string>{"happy", "neutral", "sleepy", "surprised"});
        const ItemTable& items = set->items();
        CHECK(items.groups == std::vector<std::string>{"A", "B"});
        CHECK(items.group_begin == std::vector<std::uint32_t>{0, 20, 40});
        std::map<std::pair<std::uint32_t, std::uint8_t>, int> of_person;
        for (std::uint32_t i = 0; i < items.size(); ++i) {
            ++of_person[{items.identity_a[i], items.label[i]}];
            CHECK((items.identity_a[i] < 5) == (i < 20));  // nobody is in two groups
            Image image = set->get(i).image;
            CHECK(image.rows == 112);
            CHECK(image.cols == 112);
            pictures.insert(std::move(image.pixels));
        }
        CHECK(of_person.size() == 2 * 5 * 4);  // everybody once in every class
        REQUIRE(items.groupings.size() == 1);
        CHECK(items.groupings[0].name == "lamp");
        CHECK(items.groupings[0].groups.size() == 2);
        CHECK(data_set_digest(data) == data_set_digest(data));
    }
    CHECK(pictures.size() == 80);
}

TEST_CASE("the people of the sets of expressions are in no other set, and an expression leaves the rest of a picture as it is") {
    const std::vector<Group> groups = parse_groups("A,B", 1);
    std::set<std::vector<float>> people;
    const auto traits = [](const Shot& shot) {
        return std::vector<float>(shot.identity.traits.begin(), shot.identity.traits.end());
    };
    for (const char* set : {"train", "synthetic", "test", "expressions/train", "expressions/test"})
        for (const Group& group : groups)
            for (std::uint32_t person = 0; person < 20; ++person)
                people.insert(traits(shoot(group, {set, person, 0}, Framing::aligned, 1)));
    CHECK(people.size() == 5 * 2 * 20);
    for (std::uint32_t image = 0; image < 20; ++image) {
        const ImageKey key{"expressions/test", 3, image};
        const Shot plain = shoot(groups[0], key, Framing::aligned, 1), happy = shoot_expression(groups[0], key, 1, 1);
        CHECK(traits(happy) == traits(plain));
        CHECK(happy.conditions.light_x == plain.conditions.light_x);
        CHECK(happy.conditions.noise_seed == plain.conditions.noise_seed);
        CHECK(happy.conditions.smile != plain.conditions.smile);
    }
}

TEST_CASE("the weakest expressions of two classes overlap, the strongest do not") {
    const Group group = parse_groups("A", 1)[0];
    std::vector<float> neutral, happy;
    for (std::uint32_t person = 0; person < 400; ++person) {
        neutral.push_back(shoot_expression(group, {"expressions/train", person, 0}, 0, 1).conditions.smile);
        happy.push_back(shoot_expression(group, {"expressions/train", person, 1}, 1, 1).conditions.smile);
    }
    std::sort(neutral.begin(), neutral.end());
    std::sort(happy.begin(), happy.end());
    CHECK(happy.front() < neutral[390]);
    CHECK(happy[200] > neutral.back());
}
