#pragma once
/// The renderer of procedural faces: identity + conditions -> picture and true landmarks. A pure function.
#include "fairsweep/dataset.hpp"
#include "faces/conditions.hpp"
#include "faces/geometry.hpp"
#include "faces/identity.hpp"

namespace fairsweep::faces {

/// Raised when the same seed gives other pictures.
inline constexpr int kRendererVersion = 1;

struct RenderedFace {
    Image image;                   ///< size x size
    FivePoints landmarks;          ///< true places in pixels, before the landmark finder's error (ImageConditions::jitter_px)
    float pixels_per_unit = 1.0F;  ///< scale of the head; jitter_px times this is the error in this picture
};

/// `size` in 16 .. 1024 pixels.
[[nodiscard]] RenderedFace render_face(const Identity& identity, const ImageConditions& conditions, int size);

/// Bilinear, pixel centres aligned, edges repeated.
[[nodiscard]] Image enlarge(const Image& image, int size);

}  // namespace fairsweep::faces
