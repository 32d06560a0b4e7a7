/// Images encode and decode; what is no image, cut off or too large is one Error.
#include "data/jpeg.hpp"

#include <cmath>
#include <cstdlib>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

Image smooth_image(int rows, int cols) {
    Image image{.rows = rows, .cols = cols, .pixels = {}};
    for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < cols; ++x) {
            image.pixels.push_back(static_cast<std::uint8_t>(128 + 100 * std::sin(0.05 * x)));
            image.pixels.push_back(static_cast<std::uint8_t>(128 + 100 * std::cos(0.04 * y)));
            image.pixels.push_back(static_cast<std::uint8_t>((x + y) % 200));
        }
    }
    return image;
}

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
    std::vector<std::byte> bytes;
    for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

}  // namespace

TEST_CASE("a JPEG decodes to nearly what was encoded, colours in RGB order, and encodes to the same bytes again") {
    Image image{.rows = 40, .cols = 48, .pixels = {}};
    for (int i = 0; i < 40 * 48; ++i) image.pixels.insert(image.pixels.end(), {200, 100, 50});
    const auto encoded = encode_jpeg(image, 95);
    CHECK(encode_jpeg(image, 95) == encoded);
    const Image decoded = decode_image(encoded, "here");
    CHECK(decoded.rows == 40);
    CHECK(decoded.cols == 48);
    REQUIRE(decoded.pixels.size() == image.pixels.size());
    for (std::size_t i = 0; i < image.pixels.size(); ++i) REQUIRE(std::abs(decoded.pixels[i] - image.pixels[i]) <= 3);

    const Image smooth = smooth_image(61, 83);
    const Image again = decode_image(encode_jpeg(smooth, 95), "here");
    double sum = 0;
    for (std::size_t i = 0; i < smooth.pixels.size(); ++i) sum += std::abs(again.pixels[i] - smooth.pixels[i]);
    CHECK(sum / static_cast<double>(smooth.pixels.size()) < 6.0);
}

TEST_CASE("a JPEG cut off anywhere is an error that names where it was") {
    const auto encoded = encode_jpeg(smooth_image(32, 32), 80);
    for (std::size_t size = 0; size + 2 < encoded.size(); ++size) {
        CHECK_THROWS_WITH(decode_image(std::span(encoded).first(size), "train.rec, offset 5"),
                          ContainsSubstring("train.rec, offset 5"));
    }
}

TEST_CASE("stray bytes between segments do no harm") {
    const Image image = smooth_image(32, 32);
    auto encoded = encode_jpeg(image, 80);
    const Image whole = decode_image(encoded, "here");
    REQUIRE(encoded[20] == std::byte{0xFF});  // the quantisation tables follow the 18 bytes of JFIF
    encoded.insert(encoded.begin() + 20, {std::byte{1}, std::byte{2}, std::byte{3}});
    CHECK(decode_image(encoded, "here").pixels == whole.pixels);
}

TEST_CASE("an image that claims to be huge is refused") {
    auto encoded = encode_jpeg(smooth_image(32, 32), 80);
    bool found = false;
    for (std::size_t i = 0; i + 9 < encoded.size(); ++i) {
        if (encoded[i] != std::byte{0xFF} || encoded[i + 1] != std::byte{0xC0}) continue;
        for (std::size_t k = 5; k < 9; ++k) encoded[i + k] = std::byte{0x7F};  // rows and columns of the frame header
        found = true;
        break;
    }
    REQUIRE(found);
    CHECK_THROWS_WITH(decode_image(encoded, "here"), ContainsSubstring("32639 x 32639 pixels"));
    // A whole PNG whose header says 100000 x 100000.
    const auto png =
        bytes_of({0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
                  0x01, 0x86, 0xa0, 0x00, 0x01, 0x86, 0xa0, 0x08, 0x02, 0x00, 0x00, 0x00, 0x27, 0x30, 0x9c, 0x9f, 0x00,
                  0x00, 0x00, 0x09, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x5e,
                  0xff, 0x7d, 0xf9, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82});
    CHECK_THROWS_WITH(decode_image(png, "here"), ContainsSubstring("100000 x 100000"));
}

TEST_CASE("a PNG decodes exactly") {
    // 2 x 1 pixels, RGBA: red, and white of alpha 128; made with Python's struct and zlib.
    auto png =
        bytes_of({0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
                  0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0xf4, 0x22, 0x7f, 0x8a, 0x00, 0x00, 0x00,
                  0x0f, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0x08, 0x1a, 0x00, 0x16, 0x73,
                  0x05, 0x7c, 0x26, 0x97, 0x01, 0xd2, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82});
    const Image image = decode_image(png, "here");
    CHECK(image.rows == 1);
    CHECK(image.cols == 2);
    REQUIRE(image.pixels.size() == 6);
    CHECK(std::vector<std::uint8_t>(image.pixels.begin(), image.pixels.begin() + 3) == std::vector<std::uint8_t>{255, 0, 0});
    for (std::size_t i = 3; i < 6; ++i) CHECK(image.pixels[i] == 255);  // alpha is dropped
    for (std::size_t size = 0; size < 56; ++size) {
        CHECK_THROWS_WITH(decode_image(std::span(png).first(size), "here"), ContainsSubstring("here"));
    }
    png[45] ^= std::byte{0x55};
    CHECK_THROWS_WITH(decode_image(png, "here"), ContainsSubstring("PNG"));
}

TEST_CASE("what is no image says how it starts") {
    CHECK_THROWS_WITH(decode_image({}, "here"), ContainsSubstring("0 bytes"));
    CHECK_THROWS_WITH(decode_image(bytes_of({0x47, 0x49, 0x46}), "here"), ContainsSubstring("3 bytes, starting 47 49 46"));
}
