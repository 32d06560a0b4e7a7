/// No short cut: what is left of the pictures without their shapes must not tell people apart.
#include <algorithm>
#include <cmath>
#include <functional>

#include "faces/make_data.hpp"
#include "fairsweep/dataset.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::faces;

namespace {

using Features = std::vector<double>;

/// Means over `cell` x `cell` pixels of the aligned face, three channels.
Features cell_means(const Image& image, int cell) {
    Features means;
    for (int top = 0; top < image.rows; top += cell) {
        for (int left = 0; left < image.cols; left += cell) {
            double sum[3] = {0, 0, 0};
            for (int y = top; y < top + cell; ++y) {
                for (int x = left; x < left + cell; ++x) {
                    const auto at =
                        3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.cols) + static_cast<std::size_t>(x));
                    for (std::size_t channel = 0; channel < 3; ++channel) sum[channel] += image.pixels[at + channel];
                }
            }
            for (const double s : sum) means.push_back(s / (cell * cell));
        }
    }
    return means;
}

/// Brightness and contrast taken out: the fairest chance that raw pixels can get.
Features standardised(Features values) {
    double mean = 0, square = 0;
    for (const double v : values) mean += v / static_cast<double>(values.size());
    for (const double v : values) square += (v - mean) * (v - mean) / static_cast<double>(values.size());
    for (double& v : values) v = (v - mean) / std::sqrt(square + 1e-9);
    return values;
}

/// Percent right at the threshold that is best on these very pairs: an upper bound, on one group.
double best_accuracy(const VerificationSet& set, std::size_t g, const std::function<Features(const Image&)>& features) {
    const VerificationGroup& group = set.groups()[g];
    std::vector<Features> of;
    for (std::uint32_t i = 0; i < group.image_paths.size(); ++i) of.push_back(features(set.aligned_image(g, i, 112)));
    std::vector<std::pair<double, bool>> pairs;
    for (const VerificationPair& pair : group.pairs) {
        double sum = 0;
        for (std::size_t k = 0; k < of[0].size(); ++k) sum += std::pow(of[pair.image_a][k] - of[pair.image_b][k], 2);
        pairs.emplace_back(sum, pair.genuine);
    }
    std::sort(pairs.begin(), pairs.end());
    const auto impostors = std::count_if(pairs.begin(), pairs.end(), [](const auto& p) { return !p.second; });
    auto right = impostors, best = impostors;
    for (const auto& [distance, genuine] : pairs) {
        right += genuine ? 1 : -1;
        best = std::max(best, right);
    }
    return 100.0 * static_cast<double>(best) / static_cast<double>(pairs.size());
}

}  // namespace

TEST_CASE("mean colour verifies near chance and 14 x 14 pixels below 65 percent, in easy groups too") {
    FaceDataParameters p;
    p.seed = 11;
    p.groups = parse_groups("A,B,C", p.seed);
    p.identities = p.images = p.calibration_identities = p.calibration_images = 1;
    p.test_identities = 60, p.pairs = 400;
    static_cast<void>(make_data("faces", p, 2, [](std::uint64_t, std::uint64_t) {}));
    const auto set = open_verification_set({.name = "test", .format = "rfw", .path = "faces/test", .groups = {}});
    double colour = 0, pixels = 0;
    for (std::size_t g = 0; g < 3; ++g) {
        colour += best_accuracy(*set, g, [](const Image& image) { return cell_means(image, 112); }) / 3;
        pixels += best_accuracy(*set, g, [](const Image& image) { return standardised(cell_means(image, 8)); }) / 3;
    }
    INFO("mean colour " << colour << " %, 14 x 14 pixels " << pixels << " %");
    CHECK(colour >= 50.0);
    CHECK(colour < 58.0);
    CHECK(pixels >= 50.0);
    CHECK(pixels < 65.0);
}
