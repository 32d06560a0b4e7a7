#include "study/resize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

constexpr int kWeightBits = 15;  // weights of one output pixel add up to 2^15: an 8-bit sum stays below 2^23
constexpr int kChannels = 3;

/// Weights of the source pixels first .. first + weights.size() - 1 for one output pixel.
struct Taps {
    int first = 0;
    std::vector<std::int32_t> weights;
};

/// The triangle filter, its width scaled by the reduction, as integers whose sum is exactly 2^kWeightBits.
std::vector<Taps> taps_for(int from, int to) {
    const double ratio = static_cast<double>(from) / to;
    const double reach = std::max(1.0, ratio);
    std::vector<Taps> all(static_cast<std::size_t>(to));
    for (int i = 0; i < to; ++i) {
        const double centre = (i + 0.5) * ratio;
        const int first = std::max(0, static_cast<int>(std::floor(centre - reach)));
        const int last = std::min(from, static_cast<int>(std::ceil(centre + reach)));
        std::vector<double> weights;
        double sum = 0.0;
        for (int j = first; j < last; ++j) {
            weights.push_back(std::max(0.0, 1.0 - std::abs((j + 0.5 - centre) / reach)));
            sum += weights.back();
        }
        Taps& taps = all[static_cast<std::size_t>(i)];
        taps.first = first;
        std::int32_t rest = 1 << kWeightBits;
        for (const double weight : weights) {
            taps.weights.push_back(static_cast<std::int32_t>(std::lround(weight / sum * (1 << kWeightBits))));
            rest -= taps.weights.back();
        }
        *std::max_element(taps.weights.begin(), taps.weights.end()) += rest;
    }
    return all;
}

/// One output pixel: `step` elements between the source pixels of the filter.
void filter_pixel(const std::uint8_t* source, std::size_t step, const Taps& taps, std::uint8_t* out) {
    std::int32_t sums[kChannels] = {1 << (kWeightBits - 1), 1 << (kWeightBits - 1), 1 << (kWeightBits - 1)};
    for (const std::int32_t weight : taps.weights) {
        for (int c = 0; c < kChannels; ++c) sums[c] += weight * source[c];
        source += step;
    }
    for (int c = 0; c < kChannels; ++c) out[c] = static_cast<std::uint8_t>(std::clamp(sums[c] >> kWeightBits, 0, 255));
}

}  // namespace

void resize_square(const Image& image, int size, std::span<std::uint8_t> out) {
    const auto side = static_cast<std::size_t>(size);
    FAIRSWEEP_CHECK(size > 0 && out.size() == side * side * kChannels, "resize into a buffer of another size");
    if (image.rows != image.cols || image.rows < 1)
        throw_data({.attempted = "cannot feed an image to the network",
                    .where = "",
                    .found = fmt::format("{} x {} pixels", image.rows, image.cols),
                    .expected = "an aligned, square face",
                    .hint = "align the faces of the training set first"});
    FAIRSWEEP_CHECK(
        image.pixels.size() == static_cast<std::size_t>(image.rows) * static_cast<std::size_t>(image.cols) * kChannels,
        "resize an image whose pixels do not fit its size");
    if (image.rows == size) {
        std::copy(image.pixels.begin(), image.pixels.end(), out.begin());
        return;
    }
    const std::vector<Taps> taps = taps_for(image.rows, size);
    const auto rows = static_cast<std::size_t>(image.rows);
    std::vector<std::uint8_t> narrow(rows * side * kChannels);  // columns first, as Pillow does
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t col = 0; col < side; ++col)
            filter_pixel(image.pixels.data() + (row * rows + static_cast<std::size_t>(taps[col].first)) * kChannels, kChannels,
                         taps[col], narrow.data() + (row * side + col) * kChannels);
    for (std::size_t row = 0; row < side; ++row)
        for (std::size_t col = 0; col < side; ++col)
            filter_pixel(narrow.data() + (static_cast<std::size_t>(taps[row].first) * side + col) * kChannels, side * kChannels,
                         taps[row], out.data() + (row * side + col) * kChannels);
}

}  // namespace fairsweep
