#include "study/resize.hpp"

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

Image image_of(int rows, int cols, auto value) {
    Image image{rows, cols, {}};
    for (int row = 0; row < rows; ++row)
        for (int col = 0; col < cols; ++col)
            for (int c = 0; c < 3; ++c) image.pixels.push_back(static_cast<std::uint8_t>(value(row, col, c)));
    return image;
}

std::vector<std::uint8_t> resized(const Image& image, int size) {
    std::vector<std::uint8_t> out(static_cast<std::size_t>(size * size * 3));
    resize_square(image, size, out);
    return out;
}

}  // namespace

TEST_CASE("An image of the right size is copied", "[resize]") {
    const Image image = image_of(4, 4, [](int r, int c, int k) { return 50 * r + 7 * c + k; });
    CHECK(resized(image, 4) == image.pixels);
}

TEST_CASE("Halving weighs four neighbours 1 3 3 1", "[resize]") {
    // One bright column: its weight is 3/8 in the pixel it belongs to and 1/8 in the next one.
    const Image image = image_of(8, 8, [](int, int c, int) { return c == 4 ? 240 : 0; });
    const auto out = resized(image, 4);
    for (std::size_t row = 0; row < 4; ++row) {
        CHECK(int{out[(row * 4 + 1) * 3]} == 30);
        CHECK(int{out[(row * 4 + 2) * 3]} == 90);
        CHECK(int{out[(row * 4 + 3) * 3]} == 0);
        CHECK(int{out[(row * 4 + 0) * 3]} == 0);
    }
}

TEST_CASE("A flat image stays flat at every size", "[resize]") {
    const Image image = image_of(13, 13, [](int, int, int c) { return 100 + c; });
    for (int size : {1, 5, 7, 12, 14, 29})
        for (std::size_t i = 0; const std::uint8_t value : resized(image, size))
            CHECK(int{value} == 100 + static_cast<int>(i++ % 3));
}

TEST_CASE("A mirrored image gives the mirrored result", "[resize]") {
    const auto value = [](int r, int c, int k) { return (r * 37 + c * 91 + k * 13 + r * c) % 256; };
    const auto out = resized(image_of(11, 11, value), 5);
    const auto mirrored = resized(image_of(11, 11, [&](int r, int c, int k) { return value(r, 10 - c, k); }), 5);
    for (std::size_t row = 0; row < 5; ++row)
        for (std::size_t col = 0; col < 5; ++col)
            for (std::size_t c = 0; c < 3; ++c)
                CHECK(int{out[(row * 5 + col) * 3 + c]} == int{mirrored[(row * 5 + 4 - col) * 3 + c]});
}

TEST_CASE("An image that is not square is refused with its size", "[resize]") {
    std::vector<std::uint8_t> out(12);
    CHECK_THROWS_WITH(resize_square(image_of(3, 4, [](int, int, int) { return 0; }), 2, out), ContainsSubstring("3 x 4 pixels"));
}
