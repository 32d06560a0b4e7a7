#pragma once
/// The layers of a picture, from back to front. Private to the renderer; each draws one part of the head.
#include "faces/canvas.hpp"

namespace fairsweep::faces {

struct Scene {
    Canvas& canvas;
    const FaceMeasures& face;
    const ImageConditions& conditions;
    const TurnedHead& head;
    Affine camera;  ///< view -> pixel

    /// Local coordinates on the head's surface -> pixel.
    [[nodiscard]] Affine patch(float x, float y, float lift = 0.0F) const { return compose(camera, head.patch(x, y, lift)); }
};

void draw_background(const Scene& scene);
void draw_back_hair(const Scene& scene);
void draw_body(const Scene& scene);
void draw_head(const Scene& scene);
void draw_skin_marks(const Scene& scene);
void draw_nose(const Scene& scene);
void draw_mouth(const Scene& scene);
void draw_eyes(const Scene& scene);
void draw_brows(const Scene& scene);
void draw_light(const Scene& scene);
void draw_front_hair(const Scene& scene);
void draw_glasses(const Scene& scene);
void draw_occluder(const Scene& scene);

[[nodiscard]] inline Colour scaled(Colour c, float factor) { return {c.red * factor, c.green * factor, c.blue * factor}; }
[[nodiscard]] inline Colour blended(Colour a, Colour b, float t) {
    return {a.red + t * (b.red - a.red), a.green + t * (b.green - a.green), a.blue + t * (b.blue - a.blue)};
}

}  // namespace fairsweep::faces
