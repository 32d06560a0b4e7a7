#include <filesystem>
#include <set>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/json_depth.hpp"
#include "fairsweep/random.hpp"
#include "fairsweep/text.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("SHA-256 and CRC-32C give their published check values") {
    CHECK(sha256("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const std::string check = "123456789";
    CHECK(crc32c(std::as_bytes(std::span(check))) == 0xE3069283u);
    const std::uint32_t head = crc32c(std::as_bytes(std::span(check).first(4)));
    CHECK(crc32c(std::as_bytes(std::span(check).subspan(4)), head) == 0xE3069283u);
}

TEST_CASE("A digest survives its text and refuses anything else") {
    const Digest digest = sha256("x");
    CHECK(Digest::from_hex(digest.hex()) == digest);
    CHECK_THROWS_AS(Digest::from_hex("12"), Error);
    CHECK_THROWS_AS(Digest::from_hex(std::string(64, 'g')), Error);
}

TEST_CASE("Random streams depend on every part of their name and on nothing else") {
    const auto first = [](RandomStream stream) { return stream.next_u64(); };
    const std::set<std::uint64_t> values = {first({1, 2, "order", 3}), first({2, 2, "order", 3}), first({1, 3, "order", 3}),
                                            first({1, 2, "flip", 3}), first({1, 2, "order", 4})};
    CHECK(values.size() == 5);
    CHECK(first({1, 2, "order", 3}) == first({1, 2, "order", 3}));
}

TEST_CASE("Random numbers have the moments of their distribution") {
    RandomStream stream(7, 0, "moments");
    double sum = 0;
    double squares = 0;
    double uniforms = 0;
    constexpr int kCount = 200000;
    for (int i = 0; i < kCount; ++i) {
        const double n = stream.normal();
        sum += n;
        squares += n * n;
        uniforms += stream.uniform();
    }
    // Five standard errors.
    CHECK(std::abs(sum / kCount) < 5.0 / std::sqrt(kCount));
    CHECK(std::abs(squares / kCount - 1.0) < 5.0 * std::sqrt(2.0 / kCount));
    CHECK(std::abs(uniforms / kCount - 0.5) < 5.0 * std::sqrt(1.0 / 12 / kCount));
}

TEST_CASE("A shuffle is a permutation") {
    RandomStream stream(1, 1, "shuffle");
    const auto order = shuffled_indices(1000, stream);
    CHECK(std::set<std::uint32_t>(order.begin(), order.end()).size() == 1000);
    CHECK(order[0] + order[1] + order[2] != 3);
}

TEST_CASE("The nearest word helps with a misspelt key and stays silent otherwise") {
    const std::vector<std::string> keys = {"architecture", "bits", "sparsity"};
    CHECK(nearest_word("architecure", keys) == "architecture");
    CHECK(nearest_word("sparcity", keys) == "sparsity");
    CHECK(nearest_word("zebra", keys).empty());
}

TEST_CASE("Numbers in ids are exact and short") {
    CHECK(exact_number(0.7) == "0.7");
    CHECK(exact_number(0.0005) == "5e-04");
    CHECK(exact_number(32) == "32");
}

TEST_CASE("A file appears whole or not at all") {
    namespace fs = std::filesystem;
    write_file_atomically("a.txt", "hello");
    CHECK(read_text_file("a.txt") == "hello");
    write_file_atomically("a.txt", "again");
    CHECK(read_text_file("a.txt") == "again");
    CHECK_THROWS_AS(write_file_atomically("missing/folder/a.txt", "x"), Error);
    CHECK(std::distance(fs::directory_iterator("."), fs::directory_iterator()) == 1);
}

TEST_CASE("A short read names file and offset") {
    write_file_atomically("short.bin", "1234");
    const File file = File::open_for_reading("short.bin");
    std::array<std::byte, 8> buffer{};
    try {
        file.read_exactly_at(2, buffer);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::data);
        CHECK(error.parts().where == "short.bin, offset 2");
    }
}

TEST_CASE("the depth of JSON is counted outside strings, whatever the text") {
    CHECK(json_depth("") == 0);
    CHECK(json_depth("7") == 0);
    CHECK(json_depth(R"({"a": [1, {"b": []}], "c": {}})") == 4);
    CHECK(json_depth(R"({"[[[[": "\\\"[[{{", "b\\": [2]})") == 2);
    CHECK(json_depth("]]]]}}[") == 1);
    CHECK(json_depth(std::string(1000000, '[')) == 1000000);
    CHECK(json_depth("\"\\") == 0);
}
