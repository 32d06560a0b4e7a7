#include "data/align.hpp"

#include <cmath>
#include <cstddef>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

Point2 mean_of(const FivePoints& points) {
    Point2 mean;
    for (const Point2& point : points) {
        mean.x += point.x / 5.0;
        mean.y += point.y / 5.0;
    }
    return mean;
}

/// The weighted sum of the up to four neighbours of (x, y) that lie inside the image; the others count as black.
void sample(const Image& image, double x, double y, std::uint8_t* out) {
    out[0] = out[1] = out[2] = 0;
    if (!(x > -1.0 && y > -1.0 && x < image.cols && y < image.rows)) return;
    const int left = static_cast<int>(std::floor(x));
    const int top = static_cast<int>(std::floor(y));
    const double right_weight = x - left;
    const double bottom_weight = y - top;
    double sum[3] = {0.5, 0.5, 0.5};  // rounds to nearest when cut
    for (int row = 0; row < 2; ++row) {
        if (top + row < 0 || top + row >= image.rows) continue;
        const double row_weight = row == 0 ? 1.0 - bottom_weight : bottom_weight;
        for (int col = 0; col < 2; ++col) {
            if (left + col < 0 || left + col >= image.cols) continue;
            const double weight = row_weight * (col == 0 ? 1.0 - right_weight : right_weight);
            const std::size_t pixel =
                static_cast<std::size_t>(top + row) * static_cast<std::size_t>(image.cols) + static_cast<std::size_t>(left + col);
            const std::uint8_t* const rgb = image.pixels.data() + 3 * pixel;
            for (std::size_t c = 0; c < 3; ++c) sum[c] += weight * rgb[c];
        }
    }
    for (std::size_t c = 0; c < 3; ++c) out[c] = static_cast<std::uint8_t>(sum[c]);
}

}  // namespace

FivePoints arcface_template(int size) {
    // insightface, recognition/common/face_align.py, for 112 x 112 pixels.
    constexpr FivePoints kTemplate{
        {{38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}}};
    FivePoints points = kTemplate;
    const double scale = size / 112.0;
    for (Point2& point : points) point = {point.x * scale, point.y * scale};
    return points;
}

Similarity Similarity::inverse() const {
    const double squared_scale = a * a + b * b;
    FAIRSWEEP_CHECK(squared_scale > 0.0, "invert a similarity that has a scale");
    Similarity back{.a = a / squared_scale, .b = -b / squared_scale, .shift_x = 0.0, .shift_y = 0.0};
    const Point2 origin = back({shift_x, shift_y});
    back.shift_x = -origin.x;
    back.shift_y = -origin.y;
    return back;
}

std::optional<Similarity> fit_similarity(const FivePoints& from, const FivePoints& to) {
    // With points as complex numbers around their means, the best a + ib is sum(conj(p) q) / sum(|p|^2).
    const Point2 from_mean = mean_of(from);
    const Point2 to_mean = mean_of(to);
    double real = 0.0;
    double imaginary = 0.0;
    double spread = 0.0;
    for (std::size_t i = 0; i < from.size(); ++i) {
        const Point2 p{from[i].x - from_mean.x, from[i].y - from_mean.y};
        const Point2 q{to[i].x - to_mean.x, to[i].y - to_mean.y};
        real += p.x * q.x + p.y * q.y;
        imaginary += p.x * q.y - p.y * q.x;
        spread += p.x * p.x + p.y * p.y;
    }
    // Less than a millionth of a pixel between the points, or no resemblance at all: no transform that means something.
    if (!(spread > 1e-12) || !(std::hypot(real, imaginary) > 1e-9 * spread)) return std::nullopt;
    Similarity similarity{.a = real / spread, .b = imaginary / spread, .shift_x = 0.0, .shift_y = 0.0};
    const Point2 moved = similarity(from_mean);
    similarity.shift_x = to_mean.x - moved.x;
    similarity.shift_y = to_mean.y - moved.y;
    return similarity;
}

Image warp(const Image& image, const Similarity& to_target, int size) {
    FAIRSWEEP_CHECK(size > 0, "warp to an image with pixels");
    const Similarity back = to_target.inverse();
    Image out{.rows = size, .cols = size, .pixels = {}};
    out.pixels.resize(std::size_t{3} * static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
    std::uint8_t* pixel = out.pixels.data();
    for (int y = 0; y < size; ++y) {
        for (int x = 0; x < size; ++x, pixel += 3) {
            const Point2 source = back({static_cast<double>(x), static_cast<double>(y)});
            sample(image, source.x, source.y, pixel);
        }
    }
    return out;
}

}  // namespace fairsweep
