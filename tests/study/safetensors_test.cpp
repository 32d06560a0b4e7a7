#include "study/safetensors.hpp"

#include <cstring>
#include <filesystem>
#include <string>

#include "fairsweep/error.hpp"
#include "fairsweep/random.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
namespace fs = std::filesystem;

namespace {

const std::vector<float> kWeights{1.5F, -2.0F, 0.25F, 3.0F, 4.0F, 5.0F};
const std::vector<std::uint8_t> kMask{1, 0, 1};

SafetensorsWriter::Written write_small(const fs::path& path) {
    SafetensorsWriter writer(path,
                             {.tensors = {{"conv.weight", "F32", {2, 3}}, {"mask", "U8", {3}}}, .metadata = {{"kind", "test"}}});
    writer.append(std::as_bytes(std::span(kWeights)));
    writer.append(std::as_bytes(std::span(kMask)));
    return writer.finish();
}

std::string file_of(const std::string& header, const std::string& data) {
    std::string length(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
    return length + header + data;
}

SafetensorsHeader parse(const std::string& file) {
    return parse_safetensors_header(std::as_bytes(std::span(file)), file.size(), "x.ckpt");
}

std::string message_of(const std::string& file) {
    try {
        (void)parse(file);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::data);
        return error.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("What was written is read back, with its digest", "[safetensors]") {
    const auto written = write_small("a.ckpt");
    CHECK(written.size_bytes == fs::file_size("a.ckpt"));
    CHECK(written.digest == sha256_of_file("a.ckpt"));
    const SafetensorsFile file("a.ckpt");
    CHECK(file.metadata("kind") == "test");
    CHECK(file.read<float>("conv.weight", "F32", 2) == kWeights);
    CHECK(file.read<std::uint8_t>("mask", "U8") == kMask);
    CHECK_THROWS_AS(file.read<float>("mask", "F32"), Error);
    CHECK_THROWS_AS(file.read<float>("no.such", "F32"), Error);
    CHECK_THROWS_AS(file.metadata("no such key"), Error);
}

TEST_CASE("Data start aligned and the file is the same every time", "[safetensors]") {
    const auto first = write_small("a.ckpt");
    const auto second = write_small("b.ckpt");
    CHECK(first.digest == second.digest);
    const std::string text = read_text_file("a.ckpt");
    CHECK(parse(text).data_begin % 64 == 0);
}

TEST_CASE("An unfinished file leaves nothing behind", "[safetensors]") {
    fs::create_directory("empty");
    {
        SafetensorsWriter writer("empty/c.ckpt", {.tensors = {{"x", "F32", {4}}}, .metadata = {}});
        CHECK_FALSE(fs::is_empty("empty"));
    }
    CHECK(fs::is_empty("empty"));
}

TEST_CASE("A flipped bit of the data is named by the CRC", "[safetensors]") {
    (void)write_small("a.ckpt");
    std::string text = read_text_file("a.ckpt");
    text.back() = static_cast<char>(text.back() ^ 1);
    write_file_atomically("a.ckpt", text);
    CHECK_THROWS_WITH(SafetensorsFile("a.ckpt"), ContainsSubstring("a.ckpt") && ContainsSubstring("CRC-32C"));
}

TEST_CASE("One flipped bit of a file is found or without effect, wherever it is", "[safetensors]") {
    (void)write_small("flip.ckpt");
    const std::string whole = read_text_file("flip.ckpt");
    const SafetensorsFile good("flip.ckpt");
    File file = File::open_for_update("flip.ckpt");
    std::size_t without_effect = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        const auto changed = static_cast<std::byte>(whole[at] ^ (1 << at % 8));
        file.write_at(at, std::span(&changed, 1));
        INFO("byte " << at << ": " << whole.substr(at > 20 ? at - 20 : 0, 40));
        try {
            const SafetensorsFile read("flip.ckpt");
            ++without_effect;
            CHECK(read.metadata("kind") == "test");
            CHECK(read.read<float>("conv.weight", "F32", 2) == kWeights);
            CHECK(read.read<std::uint8_t>("mask", "U8") == kMask);
            CHECK(read.tensors().size() == good.tensors().size());
        } catch (const Error& error) {
            CHECK_THAT(error.what(), ContainsSubstring("flip.ckpt"));
        }
        file.write_at(at, std::as_bytes(std::span(&whole[at], 1)));
    }
    CHECK(without_effect <= std::string("header_crc32c").size());  // the name of the checksum itself
}

TEST_CASE("Files of the first version, without a checksum of the header, are read", "[safetensors]") {
    (void)write_small("old.ckpt");
    std::string text = read_text_file("old.ckpt");
    const std::size_t at = text.find("header_crc32c");
    REQUIRE(at != std::string::npos);
    text.replace(at, 13, "other_program");
    write_file_atomically("old.ckpt", text);
    CHECK(SafetensorsFile("old.ckpt").read<float>("conv.weight", "F32", 2) == kWeights);
}

TEST_CASE("A file cut anywhere is refused", "[safetensors]") {
    (void)write_small("a.ckpt");
    const std::string text = read_text_file("a.ckpt");
    for (std::size_t bytes = 0; bytes < text.size(); ++bytes) {
        write_file_atomically("cut.ckpt", text.substr(0, bytes));
        CHECK_THROWS_AS(SafetensorsFile("cut.ckpt"), Error);
    }
}

TEST_CASE("Hostile headers are refused by name", "[safetensors]") {
    const std::string eight(8, 'd');
    CHECK(message_of(file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", eight)) == "accepted");
    CHECK_THAT(message_of(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10)), ContainsSubstring("header length"));
    CHECK_THAT(message_of(file_of("[1]", "")), ContainsSubstring("JSON object"));
    CHECK_THAT(message_of(file_of("{\"x\":", "")), ContainsSubstring("JSON object"));
    CHECK_THAT(message_of(file_of(R"({"x":3})", "")), ContainsSubstring("tensor x"));
    CHECK_THAT(message_of(file_of(R"({"x":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", eight)), ContainsSubstring("F31"));
    CHECK_THAT(message_of(file_of(R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", eight)), ContainsSubstring("-2"));
    CHECK_THAT(message_of(file_of(R"({"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", eight)),
               ContainsSubstring("overflow"));
    CHECK_THAT(message_of(file_of(R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", eight)),
               ContainsSubstring("12 bytes by its shape"));
    CHECK_THAT(message_of(file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", eight)),
               ContainsSubstring("offsets 4 .. 12"));
    CHECK_THAT(message_of(file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", eight)),
               ContainsSubstring("offsets 8 .. 0"));
    CHECK_THAT(
        message_of(file_of(
            R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
            eight)),
        ContainsSubstring("tensor y"));
    CHECK_THAT(message_of(file_of(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight)),
               ContainsSubstring("tensor x"));
    CHECK_THAT(message_of(file_of(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", eight)),
               ContainsSubstring("end of the data"));
    CHECK_THAT(message_of(file_of(R"({"__metadata__":{"k":1}})", "")), ContainsSubstring("a string"));
    CHECK_THAT(message_of(file_of(std::string(200000, '['), "")), ContainsSubstring("200000 deep"));
    CHECK_THAT(message_of(file_of(std::string(60, '['), "")), ContainsSubstring("JSON object"));
}

TEST_CASE("A header nested deep is refused wherever the nest is, and takes no stack", "[safetensors]") {
    for (const int depth : {3, 30, 100, 100000, 1000000}) {
        const auto levels = static_cast<std::size_t>(depth);
        const std::string nest = std::string(levels, '[') + std::string(levels, ']');
        for (const std::string& entry : {R"("dtype":)" + nest + R"(,"shape":[2],"data_offsets":[0,8])",
                                         R"("dtype":"F32","shape":[)" + nest + R"(],"data_offsets":[0,8])",
                                         R"("dtype":"F32","shape":[2],"data_offsets":[0,)" + nest + "]"}) {
            INFO(entry.substr(0, 60) << " " << depth);
            const std::string message = message_of(file_of("{\"x\":{" + entry + "}}", std::string(8, 'd')));
            CHECK_THAT(message, ContainsSubstring(depth < 50 ? "an array" : "deep"));
        }
        CHECK(message_of(file_of(R"({"__metadata__":{"k":)" + nest + "}}", "")) != "accepted");
    }
}

TEST_CASE("Random damage to the header is refused or harmless, never a crash", "[safetensors]") {
    (void)write_small("a.ckpt");
    const std::string text = read_text_file("a.ckpt");
    RandomStream stream(7, 0, "damage");
    for (int round = 0; round < 20000; ++round) {
        std::string damaged = text;
        for (std::uint64_t i = 0, edits = 1 + stream.below(4); i < edits; ++i)
            damaged[stream.below(damaged.size())] = static_cast<char>(stream.next_u32() & 0xff);
        if (stream.below(4) == 0) damaged.resize(stream.below(damaged.size()));
        try {
            const SafetensorsHeader header = parse(damaged);
            for (const auto& [name, entry] : header.tensors) REQUIRE(header.data_begin + entry.end <= damaged.size());
        } catch (const Error&) {
        }
    }
}
