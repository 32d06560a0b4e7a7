#pragma once
/// Alignment of faces: the least-squares similarity transform of five landmarks to the ArcFace template, and a bilinear
/// warp. Pixel (x, y) has its centre at the coordinates (x, y), as in OpenCV and insightface.
#include <array>
#include <optional>

#include "fairsweep/dataset.hpp"

namespace fairsweep {

struct Point2 {
    double x = 0.0;  ///< pixels, to the right
    double y = 0.0;  ///< pixels, down
};

/// Image-left eye, image-right eye, nose, image-left mouth corner, image-right mouth corner.
using FivePoints = std::array<Point2, 5>;

/// The ArcFace template, scaled from its 112 x 112 pixels to size x size.
[[nodiscard]] FivePoints arcface_template(int size);

/// (x, y) -> (a x - b y + shift_x, b x + a y + shift_y): scale and rotation, no reflection.
struct Similarity {
    double a = 1.0;
    double b = 0.0;
    double shift_x = 0.0;
    double shift_y = 0.0;
    [[nodiscard]] Point2 operator()(Point2 point) const {
        return {a * point.x - b * point.y + shift_x, b * point.x + a * point.y + shift_y};
    }
    [[nodiscard]] Similarity inverse() const;  ///< the scale must not be 0
};

/// The similarity that moves `from` to `to` with the least sum of squared distances (Umeyama, PAMI 1991). None when the
/// points of `from` coincide or give no scale.
[[nodiscard]] std::optional<Similarity> fit_similarity(const FivePoints& from, const FivePoints& to);

/// A size x size image whose pixel at p shows `image` at the point that `to_target` moves to p; bilinear, black outside.
[[nodiscard]] Image warp(const Image& image, const Similarity& to_target, int size);

}  // namespace fairsweep
