/// RecordIO: what the writer writes the reader reads, and damage of every kind is one Error.
#include "data/recordio.hpp"

#include <cstring>
#include <string>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
    const auto view = std::as_bytes(std::span(text.data(), text.size()));
    return {view.begin(), view.end()};
}

std::string text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

const std::string kMagicText("\x0a\x23\xd7\xce", 4);

std::string file_text(const std::filesystem::path& path) { return read_text_file(path); }

void write_file(const std::filesystem::path& path, std::string_view text) { write_file_atomically(path, text); }

std::string message_of(const std::filesystem::path& path, std::uint64_t offset) {
    try {
        (void)RecordReader(path).read(offset, 7);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::data);
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("RecordIO gives back every payload, with the magic at any place in it") {
    std::vector<std::string> payloads{"",
                                      "a",
                                      "abcd",
                                      "abcde",
                                      kMagicText,
                                      kMagicText + kMagicText,
                                      kMagicText + "x",
                                      "x" + kMagicText + "yz",
                                      "abcd" + kMagicText,
                                      "abcd" + kMagicText + "efgh" + kMagicText + "i",
                                      "ab" + kMagicText + "cd" + kMagicText,
                                      std::string(100000, 'q'),
                                      std::string(40000, 'r') + kMagicText + std::string(30001, 's')};
    std::vector<std::uint64_t> offsets;
    {
        RecordWriter writer("a.rec");
        for (const std::string& payload : payloads) offsets.push_back(writer.write(bytes_of(payload)));
        writer.close();
    }
    const RecordReader reader("a.rec");
    for (std::size_t i = 0; i < payloads.size(); ++i) {
        const Record record = reader.read(offsets[i], i);
        CHECK(text_of(record.payload) == payloads[i]);
        CHECK(record.next_offset == (i + 1 < payloads.size() ? offsets[i + 1] : reader.size_bytes()));
    }
}

TEST_CASE("RecordIO is written as dmlc-core writes it") {
    RecordWriter writer("a.rec");
    CHECK(writer.write(bytes_of("abcd" + kMagicText + "e")) == 0);
    CHECK(writer.write(bytes_of("xyz")) == 24);
    writer.close();
    const std::string expected = kMagicText + std::string("\x04\x00\x00\x20", 4) + "abcd" + kMagicText +
                                 std::string("\x01\x00\x00\x60", 4) + std::string("e\0\0\0", 4) + kMagicText +
                                 std::string("\x03\x00\x00\x00", 4) + std::string("xyz\0", 4);
    CHECK(file_text("a.rec") == expected);
}

TEST_CASE("a RecordIO file cut at any byte is one error that names file, offset and record") {
    RecordWriter writer("a.rec");
    writer.write(bytes_of("abcd" + kMagicText + "efgh" + kMagicText + "i"));
    writer.close();
    const std::string whole = file_text("a.rec");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        write_file("cut.rec", whole.substr(0, size));
        const std::string message = message_of("cut.rec", 0);
        CHECK_THAT(message, ContainsSubstring("cut.rec, offset "));
        CHECK_THAT(message, ContainsSubstring("record 7"));
        CHECK_THAT(message, ContainsSubstring("truncated"));
    }
}

TEST_CASE("damaged RecordIO headers are told from one another") {
    const std::string part = kMagicText + std::string("\x04\x00\x00\x00", 4) + "abcd";
    SECTION("wrong magic") {
        write_file("a.rec", "????" + part);
        CHECK_THAT(message_of("a.rec", 0), ContainsSubstring("0x3f3f3f3f") && ContainsSubstring("0xced7230a"));
        CHECK(text_of(RecordReader("a.rec").read(4, 0).payload) == "abcd");
    }
    SECTION("a length far beyond the file is refused before memory is taken") {
        write_file("a.rec", kMagicText + std::string("\xff\xff\xff\x1f", 4) + "abcd");
        CHECK_THAT(message_of("a.rec", 0), ContainsSubstring("536870920 more bytes"));
    }
    SECTION("an offset in the middle of a record") {
        RecordWriter writer("a.rec");
        writer.write(bytes_of("abcd" + kMagicText + "efgh"));
        writer.close();
        CHECK_THAT(message_of("a.rec", 12), ContainsSubstring("part flag 3"));
    }
    SECTION("an offset behind the file") {
        write_file("a.rec", part);
        CHECK_THAT(message_of("a.rec", ~std::uint64_t{0} - 3), ContainsSubstring("the file ends at 12"));
    }
    SECTION("a first part followed by a whole record") {
        write_file("a.rec", kMagicText + std::string("\x04\x00\x00\x20", 4) + "abcd" + part);
        CHECK_THAT(message_of("a.rec", 0), ContainsSubstring("part flag 0"));
    }
    SECTION("a first part whose length is no multiple of 4") {
        write_file("a.rec", kMagicText + std::string("\x03\x00\x00\x20", 4) + "abcd" + part);
        CHECK_THAT(message_of("a.rec", 0), ContainsSubstring("multiple of 4"));
    }
    SECTION("a record larger than any image") {
        RecordWriter writer("a.rec");  // 65 parts of 1 MiB
        const std::string mebibyte = std::string((1 << 20) - 4, 'x') + kMagicText;
        std::string large;
        for (int i = 0; i < 64; ++i) large += mebibyte;
        writer.write(bytes_of(large));
        writer.close();
        CHECK(RecordReader("a.rec").read(0, 0).payload.size() == large.size());
        std::string file = file_text("a.rec");
        const std::string last = kMagicText + std::string("\x00\x00\x00\x60", 4);
        REQUIRE(file.substr(file.size() - 8) == last);
        file[file.size() - 1] = '\x40';  // the last part becomes a middle one, and another follows
        write_file("b.rec", file + kMagicText + std::string("\x04\x00\x00\x60", 4) + "abcd");
        CHECK_THAT(message_of("b.rec", 0), ContainsSubstring("at most 67108864"));
    }
}

TEST_CASE("image records hold a scalar label, or as many labels as the flag says") {
    const std::vector<std::byte> image = bytes_of("image");
    SECTION("scalar") {
        const auto payload = encode_image_record({.flag = 0, .labels = {41.0f}, .id = 5, .id2 = 6, .encoded = image});
        CHECK(payload.size() == 24 + image.size());
        const ImageRecord record = decode_image_record(payload, "here");
        CHECK(record.labels == std::vector<float>{41.0f});
        CHECK(record.id == 5);
        CHECK(record.id2 == 6);
        CHECK(text_of(record.encoded) == "image");
    }
    SECTION("two labels") {
        const auto payload = encode_image_record({.flag = 2, .labels = {3.0f, 9.0f}, .id = 0, .id2 = 0, .encoded = {}});
        CHECK(payload.size() == 32);
        const ImageRecord record = decode_image_record(payload, "here");
        CHECK(record.labels == std::vector<float>{3.0f, 9.0f});
        CHECK(record.encoded.empty());
    }
    SECTION("more labels than bytes") {
        auto payload = encode_image_record({.flag = 2, .labels = {3.0f, 9.0f}, .id = 0, .id2 = 0, .encoded = image});
        for (const std::uint32_t flag : {4u, 1u << 20, ~0u}) {
            std::memcpy(payload.data(), &flag, sizeof flag);
            CHECK_THROWS_WITH(decode_image_record(payload, "here"),
                              ContainsSubstring("here") && ContainsSubstring("at most 3 labels"));
        }
    }
    SECTION("shorter than the header") {
        for (std::size_t size = 0; size < 24; ++size) {
            CHECK_THROWS_AS(decode_image_record(std::vector<std::byte>(size), "here"), Error);
        }
    }
}
