/// Background, body, head, light and hair: the layers that span the picture.
#include <cmath>

#include "faces/scene.hpp"

namespace fairsweep::faces {
namespace {

/// Outline of the head in view coordinates: half an ellipse above, below a jaw that narrows towards the chin.
auto head_outline(const Scene& scene, float grow = 0.0F) {
    const FaceMeasures& f = scene.face;
    const float yc = f.center_y, width = f.half_width + grow, up = 1.0F / (f.up + grow), down = 1.0F / (f.down + grow);
    const float jaw = f.jaw, square = f.square, cheek = 4.0F * f.cheek;
    const float chin_shift = 11.0F * std::sin(scene.conditions.yaw_rad);  // the chin stands before the axis of rotation
    return [=](float x, float y) {
        const float t = y - yc;
        const float above = lower(t, 0.0F) * up, below = higher(t, 0.0F) * down;
        const float below2 = below * below;
        const float s = below2 + square * (below2 * below2 - below2);
        const float w = width * higher(1.0F - jaw * below2 + cheek * (below - below2), 0.3F);
        return square_of((x - chin_shift * below2) / w) + s + above * above - 1.0F;
    };
}

/// Everything that hair can cover: a cap around the skull that goes down to where the hair ends.
auto hair_outline(const Scene& scene) {
    const FaceMeasures& f = scene.face;
    const float yc = f.center_y, width = 1.0F / (f.half_width + 0.65F * f.hair_thickness);
    const float up = 1.0F / (f.up + f.hair_thickness), down = 1.0F / higher(f.hair_end_y - yc, 6.0F);
    return [=](float x, float y) {
        const float t = y - yc;
        const float above = lower(t, 0.0F) * up, below2 = square_of(higher(t, 0.0F) * down);
        return square_of(x * width) + above * above + below2 * below2 - 1.0F;
    };
}

/// Strands: a soft band of light over the skull and fine stripes that follow it.
auto hair_paint(const Scene& scene, float factor) {
    const Colour base = scaled(scene.face.hair, factor);
    const float yc = scene.face.center_y, light_x = scene.conditions.light_x;
    return [=](float x, float y, Colour) {
        const float radius = std::sqrt(x * x + square_of(y - yc));
        const float wave = x * 0.31F + 0.02F * x * radius * 0.1F;
        const float stripe = magnitude(wave - std::floor(wave) - 0.5F) - 0.25F;
        const float band =
            higher(0.0F, 1.0F - square_of((radius - 52.0F) * 0.12F)) * higher(0.0F, 1.0F - square_of(x * 0.03F - light_x));
        const float light = 1.0F + 0.35F * stripe + 0.10F * band;
        return Colour{base.red * light + 0.07F * band, base.green * light + 0.07F * band, base.blue * light + 0.07F * band};
    };
}

constexpr Extent kEverywhere{-1e4F, -1e4F, 1e4F, 1e4F};

Extent head_extent(const FaceMeasures& f) {
    const float rim = f.half_width * 1.1F + 14.0F;
    return {-rim, f.center_y - f.up - 14.0F, rim, f.center_y + f.down + 6.0F};
}

}  // namespace

PixelBox pixels_of(const Extent& e, const Affine& map, int size) {
    const Point corners[4] = {map({e.left, e.top}), map({e.right, e.top}), map({e.left, e.bottom}), map({e.right, e.bottom})};
    float left = corners[0].x, right = left, top = corners[0].y, bottom = top;
    for (const Point& p : corners) {
        left = lower(left, p.x), right = higher(right, p.x), top = lower(top, p.y), bottom = higher(bottom, p.y);
    }
    const auto clip = [size](float value) { return static_cast<int>(lower(higher(value, 0.0F), static_cast<float>(size))); };
    return {clip(std::floor(left) - 1.0F), clip(std::floor(top) - 1.0F), clip(std::ceil(right) + 2.0F),
            clip(std::ceil(bottom) + 2.0F)};
}

void draw_background(const Scene& scene) {
    const ImageConditions& c = scene.conditions;
    const Colour a = c.background_a, b = c.background_b;
    const float cosine = std::cos(c.background_angle_rad) * 0.006F, sine = std::sin(c.background_angle_rad) * 0.006F;
    const float stripes = c.background_stripes > 0.6F ? 0.12F : 0.0F, pitch = 6.0F * c.background_stripes;
    fill(
        scene.canvas, scene.camera, kEverywhere, {}, [](float, float) { return -1.0F; },
        [=](float x, float y, Colour) {
            const float t = x * cosine + y * sine;
            const float wave = (y * cosine - x * sine) * pitch;
            const float stripe = stripes * (magnitude(wave - std::floor(wave) - 0.5F) - 0.25F);
            const float m = clamp01(0.5F + t);
            return Colour{a.red + m * (b.red - a.red) + stripe, a.green + m * (b.green - a.green) + stripe,
                          a.blue + m * (b.blue - a.blue) + stripe};
        });
}

void draw_back_hair(const Scene& scene) {
    const Extent extent{-62.0F, -85.0F, 62.0F, scene.face.hair_end_y + 2.0F};
    fill(scene.canvas, scene.camera, extent, {}, hair_outline(scene), hair_paint(scene, 0.62F));
}

void draw_body(const Scene& scene) {
    const FaceMeasures& f = scene.face;
    const float neck = 0.52F * f.half_width, chin = f.center_y + f.down;
    const Extent neck_extent{-1.6F * neck, chin - 30.0F, 1.6F * neck, 1e4F};
    const auto column = [neck, chin](float x, float y) { return magnitude(x) - neck - 0.12F * higher(0.0F, y - chin); };
    fill(scene.canvas, scene.camera, neck_extent, {}, column, flat(scaled(f.skin, 0.80F)));
    const float collar = chin + 17.0F;
    const auto shoulders = [collar](float x, float y) {
        return collar + 0.0065F * x * x - 6.0F * lower(1.0F, square_of(x * 0.03F)) - y;
    };
    fill(scene.canvas, scene.camera, {-1e4F, collar - 8.0F, 1e4F, 1e4F}, {}, shoulders, flat(scene.conditions.clothing));
}

void draw_head(const Scene& scene) {
    const FaceMeasures& f = scene.face;
    for (const float side : {-1.0F, 1.0F}) {
        const Point ear = scene.head.place(side * f.half_width * 1.01F, -13.0F, -34.0F);
        Affine map = scene.camera;
        const Point at = scene.camera(ear);
        map.u0 = at.x, map.v0 = at.y;
        const float r = f.ear_radius;
        fill(scene.canvas, map, {-r, -1.5F * r, r, 1.5F * r}, {}, ellipse(0.72F * r, 1.35F * r), flat(scaled(f.skin, 0.90F)));
        fill(scene.canvas, map, {-r, -r, r, r}, {0.5F, 1.0F}, ellipse(0.36F * r, 0.85F * r), flat(scaled(f.skin, 0.72F)));
    }
    fill(scene.canvas, scene.camera, head_extent(f), {0.35F, 1.0F}, head_outline(scene, 0.9F), flat(scaled(f.skin, 0.45F)));
    fill(scene.canvas, scene.camera, head_extent(f), {}, head_outline(scene), flat(f.skin));
}

/// Lambert's law on the ellipsoid, over everything that belongs to the skin.
void draw_light(const Scene& scene) {
    const FaceMeasures& f = scene.face;
    const ImageConditions& c = scene.conditions;
    const float norm = 1.0F / std::sqrt(1.0F + c.light_x * c.light_x + c.light_y * c.light_y);
    const float lx = c.light_x * norm, ly = c.light_y * norm, lz = norm;
    const float rx = 1.0F / (1.15F * f.half_width), ry = 1.0F / 66.0F, yc = f.center_y + 3.0F;
    const float lamp = c.light_contrast * 1.6F, ambient = 1.0F - 0.8F * lamp;
    fill(scene.canvas, scene.camera, head_extent(f), {}, head_outline(scene), [=](float x, float y, Colour under) {
        const float nx = x * rx, ny = (y - yc) * ry;
        const float nz = std::sqrt(higher(0.04F, 1.0F - nx * nx - ny * ny));
        const float light = ambient + lamp * higher(0.0F, nx * lx + ny * ly + nz * lz);
        return Colour{under.red * light, under.green * light, under.blue * light};
    });
}

void draw_front_hair(const Scene& scene) {
    const FaceMeasures& f = scene.face;
    const Point forehead = scene.head.place(0.0F, f.hairline_y);
    const float dx = forehead.x, dy = forehead.y - f.hairline_y;
    const float line = f.hairline_y, tilt = f.hairline_tilt, part = f.parting_x, reach = 1.0F / f.half_width;
    const auto outline = hair_outline(scene);
    // Long hair hangs before the rim of the face; short hair ends above the ears.
    const float curtain = f.half_width * (f.hair_end_y > 15.0F ? 0.90F : 0.99F), turn = 9.0F * std::sin(scene.conditions.yaw_rad);
    const auto shape = [=](float x, float y) {
        const float u = x - dx, s = u * reach, s2 = s * s;
        const float notch = 7.0F * higher(0.0F, 1.0F - magnitude(u - part) * 0.12F);
        const float hairline = line + 22.0F * s2 * s2 + tilt * s - notch;
        const float fringe = y - dy - hairline;
        const float sides = curtain - magnitude(x - turn);
        return higher(outline(x, y), lower(fringe, sides) * 0.03F);
    };
    const Extent extent{-62.0F, -85.0F, 62.0F, f.hair_end_y + 2.0F};
    const auto shadow = [=](float x, float y) { return shape(x, y - 2.5F); };
    const auto inside_face = [=, head = head_outline(scene)](float x, float y) { return higher(shadow(x, y), head(x, y)); };
    fill(scene.canvas, scene.camera, extent, {0.35F, 3.0F}, inside_face, shade(0.6F));
    fill(scene.canvas, scene.camera, extent, {}, shape, hair_paint(scene, 1.0F));
}

}  // namespace fairsweep::faces
