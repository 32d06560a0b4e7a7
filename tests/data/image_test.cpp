/// Images of every kind have the pixels that Pillow and OpenCV gave them (image_oracle.txt, made by image_oracle.py).
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "data/jpeg.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

struct OracleImage {
    std::string name;
    std::vector<std::byte> file;
    Image image;
};

std::vector<std::byte> bytes_of_hex(const std::string& hex) {
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    return bytes;
}

std::vector<OracleImage> oracle_images() {
    std::ifstream stream(std::string(FAIRSWEEP_SOURCE_DIR) + "/tests/data/image_oracle.txt");
    std::vector<OracleImage> images;
    OracleImage one;
    for (std::string file, pixels; stream >> one.name >> file >> one.image.rows >> one.image.cols >> pixels;) {
        one.file = bytes_of_hex(file);
        one.image.pixels.clear();
        for (const std::byte value : bytes_of_hex(pixels)) one.image.pixels.push_back(std::to_integer<std::uint8_t>(value));
        images.push_back(one);
    }
    return images;
}

const OracleImage& image_named(const std::vector<OracleImage>& images, const std::string& name) {
    for (const OracleImage& one : images)
        if (one.name == name) return one;
    throw std::runtime_error("no image " + name);
}

/// The JPEG with byte `at` of its start-of-frame segment (0: the marker's second byte) replaced.
std::vector<std::byte> with_frame_byte(std::vector<std::byte> jpeg, std::size_t at, int value) {
    for (std::size_t i = 0; i + 10 < jpeg.size(); ++i) {
        if (jpeg[i] != std::byte{0xFF} || jpeg[i + 1] != std::byte{0xC0}) continue;
        jpeg[i + 1 + at] = static_cast<std::byte>(value);
        return jpeg;
    }
    throw std::runtime_error("no frame");
}

std::vector<std::byte> text_bytes(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("PNGs and JPEGs of every kind have exactly the pixels of Pillow and OpenCV") {
    const std::vector<OracleImage> images = oracle_images();
    REQUIRE(images.size() >= 50);
    for (const OracleImage& one : images) {
        if (one.image.pixels.empty()) continue;
        INFO(one.name);
        const Image decoded = decode_image(one.file, one.name);
        CHECK(decoded.rows == one.image.rows);
        CHECK(decoded.cols == one.image.cols);
        CHECK(decoded.pixels == one.image.pixels);
    }
}

TEST_CASE("a JPEG that is whole but of a kind that is not decoded is called by its name, not damaged") {
    const std::vector<OracleImage> images = oracle_images();
    const auto refused = [](const std::vector<std::byte>& file, const std::string& what) {
        CHECK_THROWS_WITH(decode_image(file, "here"),
                          ContainsSubstring("here") && ContainsSubstring(what) && !ContainsSubstring("damaged"));
    };
    refused(image_named(images, "jpeg_cmyk").file, "CMYK");
    const std::vector<std::byte> plain = encode_jpeg({.rows = 8, .cols = 8, .pixels = std::vector<std::uint8_t>(192, 90)}, 90);
    refused(with_frame_byte(plain, 3, 12), "12 bits");
    refused(with_frame_byte(plain, 0, 0xC3), "lossless");
    refused(with_frame_byte(plain, 0, 0xC5), "hierarchical");
    refused(with_frame_byte(plain, 8, 2), "2 channels");
}

TEST_CASE("a file that is another one than an image is called by its name") {
    const auto refused = [](const std::string& file, const std::string& what) {
        CHECK_THROWS_WITH(decode_image(text_bytes(file), "here"), ContainsSubstring(what));
    };
    refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git lfs pull");
    refused("\xef\xbb\xbf\n <!DOCTYPE html><html>", "a web page");
    refused(std::string("RIFF\0\0\0\0WEBPVP8 ", 16), "a WebP image");
    refused("", "an empty file");
}

TEST_CASE("damaged headers of EXIF leave the picture as it is stored") {
    const std::vector<OracleImage> images = oracle_images();
    const OracleImage& turned = image_named(images, "jpeg_exif6");
    const std::string text(reinterpret_cast<const char*>(turned.file.data()), turned.file.size());
    const std::size_t tiff = text.find("Exif") + 6;
    for (std::size_t at = tiff; at < tiff + 38; ++at) {  // whatever byte is changed: an image of one form or the other
        auto file = turned.file;
        file[at] ^= std::byte{0xFF};
        const Image decoded = decode_image(file, "here");
        CHECK(decoded.pixels.size() == turned.image.pixels.size());
    }
}
