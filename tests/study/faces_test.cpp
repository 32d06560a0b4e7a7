// Prepared faces, pairs and the cache of decoded faces, over sets made up in memory.
#include "study/face_cache.hpp"
#include "study/items.hpp"
#include "study/prepared_faces.hpp"

#include <algorithm>
#include <filesystem>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
namespace fs = std::filesystem;

namespace {

constexpr int kSize = 4;

Image flat(int value, int size = kSize) {
    return {size, size, std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * 3), static_cast<std::uint8_t>(value))};
}

/// Two groups; image i of group g is flat grey 100 g + i. Images 1 of A and 0 of B are in no pair.
struct MadeUpVerification : VerificationSet {
    MadeUpVerification() {
        all.push_back({"A", {"a0", "a1", "a2"}, {{2, 0, 0, 0, true}, {0, 2, 0, 1, false}}});
        all.push_back({"B", {"b0", "b1", "b2"}, {{1, 2, 2, 3, false}}});
    }
    const std::vector<VerificationGroup>& groups() const override { return all; }
    std::uint32_t identities() const override { return 4; }
    Image aligned_image(std::size_t group, std::uint32_t image, int size) const override {
        return flat(static_cast<int>(100 * group + image), size);
    }
    std::vector<VerificationGroup> all;
};

struct MadeUpTraining : TrainingSet {
    explicit MadeUpTraining(int* decoded_count) : decoded(decoded_count) {}
    std::uint64_t size() const override { return 5; }
    std::uint64_t identities() const override { return 3; }
    LabelledImage get(std::uint64_t index) const override {
        ++*decoded;
        return {flat(static_cast<int>(index), 8), index == 4 ? 3 : static_cast<std::int64_t>(index % 3)};
    }
    int* decoded;
};

EvaluationImages made_up_pairs() { return images_of(std::make_shared<const MadeUpVerification>()); }

/// Three images of 8 pixels a side, flat grey 10, 20, 30; classes 1, 0, 1.
struct MadeUpClasses : LabelledSet {
    MadeUpClasses() {
        table.groups = {"A", "B"};
        table.group_begin = {0, 1, 3};
        table.label = {1, 0, 1};
        table.identity_a = table.identity_b = {5, 5, 6};
    }
    std::uint64_t size() const override { return 3; }
    std::uint64_t identities() const override { return 2; }
    LabelledImage get(std::uint64_t index) const override {
        return {flat(static_cast<int>(10 * (index + 1)), 8), table.label[index]};
    }
    const std::vector<std::string>& classes() const override { return names; }
    const ItemTable& items() const override { return table; }
    std::vector<std::string> names{"happy", "sad"};
    ItemTable table;
};

bool go_on(std::uint64_t, std::uint64_t) { return true; }

/// The faces of the made-up set in f.faces, with one edit to a tensor's bytes: valid as a container, wrong inside.
void write_with(const std::string& name, std::size_t at, std::uint8_t value) {
    (void)write_prepared_faces("f.faces", "verification", made_up_pairs(), kSize, {}, go_on);
    SafetensorsPlan plan;
    std::vector<std::byte> data;
    {
        const SafetensorsFile file("f.faces");
        std::vector<TensorEntry> order;
        for (const auto& [key, entry] : file.tensors()) order.push_back(entry);
        std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
        for (const TensorEntry& entry : order) {
            plan.tensors.push_back({entry.name, entry.dtype, entry.shape});
            const auto bytes = file.bytes(entry);
            data.insert(data.end(), bytes.begin(), bytes.end());
            if (entry.name == name) data[entry.begin + at] = std::byte{value};
        }
        plan.metadata["groups"] = file.metadata("groups");
    }
    SafetensorsWriter writer("f.faces", plan);
    writer.append(data);
    (void)writer.finish();
}

}  // namespace

TEST_CASE("Pairs become columns, groups in order", "[pairs]") {
    const ItemTable table = item_table_of(MadeUpVerification());
    CHECK(table.groups == std::vector<std::string>{"A", "B"});
    CHECK(table.group_begin == std::vector<std::uint32_t>{0, 2, 3});
    CHECK(table.label == std::vector<std::uint8_t>{1, 0, 0});
    CHECK(table.identity_a == std::vector<std::uint32_t>{0, 0, 2});
    CHECK(table.identity_b == std::vector<std::uint32_t>{0, 1, 3});
}

TEST_CASE("Prepared faces hold each used image once", "[faces]") {
    const auto written =
        write_prepared_faces("p.faces", "verification", made_up_pairs(), kSize, {{"kind", "prepared faces"}}, go_on);
    CHECK(written.digest == sha256_of_file("p.faces"));
    const PreparedFaces faces("p.faces", "verification");
    CHECK(faces.images() == 4);
    CHECK(faces.image_size() == kSize);
    CHECK(faces.image_a() == std::vector<std::uint32_t>{1, 0, 2});
    CHECK(faces.image_b() == std::vector<std::uint32_t>{0, 1, 3});
    CHECK(faces.items().identity_b == item_table_of(MadeUpVerification()).identity_b);
    const std::vector<int> greys{0, 2, 101, 102};
    for (std::uint64_t i = 0; i < faces.images(); ++i)
        for (const std::uint8_t value : faces.face(i)) CHECK(int{value} == greys[i]);
}

TEST_CASE("Images with classes are items of one image each", "[faces]") {
    const EvaluationImages images = images_of(std::make_shared<const MadeUpClasses>());
    (void)write_prepared_faces("c.faces", "classification", images, kSize, {}, go_on);
    const PreparedFaces faces("c.faces", "classification");
    CHECK(faces.items() == MadeUpClasses().items());
    CHECK(faces.image_a() == std::vector<std::uint32_t>{0, 1, 2});
    CHECK(faces.image_b() == faces.image_a());
    for (std::uint64_t i = 0; i < 3; ++i)
        for (const std::uint8_t value : faces.face(i)) CHECK(int{value} == static_cast<int>(10 * (i + 1)));
    CHECK_THROWS_WITH(PreparedFaces("c.faces", "verification"), ContainsSubstring("genuine"));
}

TEST_CASE("Stopped half-way, nothing is left", "[faces]") {
    const auto written = write_prepared_faces("stopped.faces", "verification", made_up_pairs(), kSize, {},
                                              [](std::uint64_t done, std::uint64_t all) {
                                                  CHECK(all == 4);
                                                  return done < 2;
                                              });
    CHECK(written.size_bytes == 0);
    CHECK_FALSE(fs::exists("stopped.faces"));
}

TEST_CASE("Prepared faces that contradict themselves are refused", "[faces]") {
    write_with("genuine", 0, 1);
    CHECK_NOTHROW(PreparedFaces("f.faces", "verification"));
    write_with("image_a", 0, 4);
    CHECK_THROWS_WITH(PreparedFaces("f.faces", "verification"), ContainsSubstring("a pair of a face that is not there"));
    write_with("group_begin", 4, 9);
    CHECK_THROWS_WITH(PreparedFaces("f.faces", "verification"), ContainsSubstring("group_begin"));
    write_with("group_begin", 8, 2);
    CHECK_THROWS_WITH(PreparedFaces("f.faces", "verification"), ContainsSubstring("group_begin"));
    write_file_atomically("g.faces", std::string_view("no such thing, but long enough"));
    CHECK_THROWS_WITH(PreparedFaces("g.faces", "verification"), ContainsSubstring("g.faces"));
}

TEST_CASE("Decoded faces are kept where they fit and decoded anew where not", "[cache]") {
    const std::uint64_t all_bytes = 5 * kSize * kSize * 3;
    for (const bool fits : {true, false}) {
        int decoded = 0;
        FaceCache cache(std::make_unique<MadeUpTraining>(&decoded), kSize, all_bytes - (fits ? 0 : 1));
        CHECK(cache.kept_bytes() == (fits ? all_bytes : 0));
        for (int round = 0; round < 3; ++round)
            for (const std::uint64_t index : {2, 0, 2}) {
                const FaceCache::Face face = cache.face(index);
                CHECK(face.pixels.size() == kSize * kSize * 3);
                CHECK(std::uint64_t{face.pixels[7]} == index);
                CHECK(face.identity == static_cast<std::int64_t>(index % 3));
            }
        CHECK(decoded == (fits ? 2 : 9));
    }
}

TEST_CASE("An identity past the set's number is refused with its image", "[cache]") {
    int decoded = 0;
    FaceCache cache(std::make_unique<MadeUpTraining>(&decoded), kSize, 1 << 20);
    CHECK_THROWS_WITH((void)cache.face(4), ContainsSubstring("image 4") && ContainsSubstring("identity 3"));
}
