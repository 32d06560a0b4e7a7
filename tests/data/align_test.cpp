/// Alignment against numpy (Umeyama by SVD) and scipy (bilinear warp): align_oracle.py wrote align_oracle.csv.
#include "data/align.hpp"

#include <cmath>
#include <cstdlib>

#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

/// The rows of one kind as numbers.
std::vector<std::vector<double>> oracle_rows(const std::string& kind) {
    std::vector<std::vector<double>> rows;
    for (const std::string& line : split(read_text_file(FAIRSWEEP_SOURCE_DIR "/tests/data/align_oracle.csv"), '\n')) {
        const std::vector<std::string> fields = split(line, ',');
        if (fields[0] != kind) continue;
        rows.emplace_back();
        for (std::size_t i = 1; i < fields.size(); ++i) rows.back().push_back(std::strtod(fields[i].c_str(), nullptr));
    }
    return rows;
}

Image oracle_image(int rows, int cols) {
    Image image{.rows = rows, .cols = cols, .pixels = {}};
    for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < cols; ++x) {
            for (int c = 0; c < 3; ++c)
                image.pixels.push_back(static_cast<std::uint8_t>((37 * y + 91 * x + 53 * c + 7 * x * y) % 256));
        }
    }
    return image;
}

}  // namespace

TEST_CASE("the transform of five points is Umeyama's") {
    const auto rows = oracle_rows("transform");
    REQUIRE(rows.size() == 60);
    for (const std::vector<double>& row : rows) {
        REQUIRE(row.size() == 15);
        FivePoints points;
        for (std::size_t i = 0; i < 5; ++i) points[i] = {row[1 + 2 * i], row[2 + 2 * i]};
        const auto fitted = fit_similarity(points, arcface_template(static_cast<int>(row[0])));
        REQUIRE(fitted.has_value());
        CHECK(std::abs(fitted->a - row[11]) < 1e-6);
        CHECK(std::abs(fitted->b - row[12]) < 1e-6);
        CHECK(std::abs(fitted->shift_x - row[13]) < 1e-6);
        CHECK(std::abs(fitted->shift_y - row[14]) < 1e-6);
    }
}

TEST_CASE("the warp is bilinear, with black outside") {
    const auto rows = oracle_rows("warp");
    REQUIRE(rows.size() == 6);
    for (const std::vector<double>& row : rows) {
        const Image image = oracle_image(static_cast<int>(row[0]), static_cast<int>(row[1]));
        const int size = static_cast<int>(row[2]);
        const Image warped = warp(image, {.a = row[3], .b = row[4], .shift_x = row[5], .shift_y = row[6]}, size);
        REQUIRE(warped.rows == size);
        REQUIRE(warped.cols == size);
        REQUIRE(row.size() == 7 + warped.pixels.size());
        double largest = 0.0;
        for (std::size_t i = 0; i < warped.pixels.size(); ++i)
            largest = std::max(largest, std::abs(warped.pixels[i] - row[7 + i]));
        CHECK(largest <= 0.5 + 1e-6);  // ours is rounded to whole grey levels
    }
}

TEST_CASE("points that coincide have no transform") {
    FivePoints points;
    points.fill({200.0, 100.0});
    CHECK(!fit_similarity(points, arcface_template(112)));
}

TEST_CASE("a similarity and its inverse cancel") {
    const Similarity similarity{.a = 0.3, .b = -1.2, .shift_x = 40.0, .shift_y = -7.0};
    const Point2 there = similarity({12.5, 99.0});
    const Point2 back = similarity.inverse()(there);
    CHECK(back.x == Approx(12.5));
    CHECK(back.y == Approx(99.0));
}
