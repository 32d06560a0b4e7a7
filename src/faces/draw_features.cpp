/// Eyes, brows, nose, mouth, marks, glasses and what hides a face: small patches on the head's surface.
#include <cmath>

#include "faces/scene.hpp"

namespace fairsweep::faces {
namespace {

/// Distance-like measures from the upper and the lower lid of one eye; local u runs towards the temple.
struct Lids {
    float half_width, upper, lower, skew;
    /// Height of the lid's arc at u in parts of its middle; negative past the corners, so that nothing shows there.
    [[nodiscard]] float arc(float u) const {
        const float s = u / half_width;
        return (1.0F - s * s) * (1.0F + skew * s);
    }
    [[nodiscard]] float inside(float u, float v) const {
        const float s = u / half_width, q = 1.0F - s * s;
        return higher(-v - upper * q * (1.0F + skew * s), v - this->lower * q);
    }
};

/// Local coordinates of an eye or brow: u towards the temple on both sides, turned by the slant.
Affine sided(const Affine& patch, float side, float slant) {
    const float c = std::cos(slant), s = std::sin(slant);
    return compose(patch, {side * c, side * s, 0.0F, -s, c, 0.0F});
}

void draw_iris(const Scene& scene, const Affine& eye, const Lids& lids, float side) {
    const FaceMeasures& f = scene.face;
    const float r = f.iris_radius;
    const float x = side * scene.conditions.gaze_x * 0.28F * f.eye_half_width;
    const float y = 0.5F * (lids.lower - lids.upper) * 0.3F + scene.conditions.gaze_y * 0.8F;
    const auto disc = [=](float radius, float dx, float dy) {
        const auto round = ellipse(radius, radius);
        return [=](float u, float v) { return higher(round(u - x - dx, v - y - dy), lids.inside(u, v) * (2.0F / radius)); };
    };
    const Extent extent{x - r - 1.0F, y - r - 1.0F, x + r + 1.0F, y + r + 1.0F};
    fill(scene.canvas, eye, extent, {}, disc(r, 0.0F, 0.0F), flat(scaled(f.iris, 0.55F)));
    fill(scene.canvas, eye, extent, {1.0F, 0.8F}, disc(r * 0.80F, 0.0F, 0.0F), flat(f.iris));
    fill(scene.canvas, eye, extent, {}, disc(r * 0.46F, 0.0F, 0.0F), flat({0.03F, 0.02F, 0.02F}));
    fill(scene.canvas, eye, extent, {0.9F, 0.3F}, disc(r * 0.22F, -0.35F * r * side, -0.38F * r), flat({0.98F, 0.98F, 0.98F}));
}

void draw_eye(const Scene& scene, float side) {
    const FaceMeasures& f = scene.face;
    const float open = 1.0F - scene.conditions.eye_closing;
    const Lids lids{f.eye_half_width, f.eye_upper * open + 0.3F, f.eye_lower * (0.5F + 0.5F * open), f.eye_skew};
    const Affine eye = sided(scene.patch(side * f.eye_x, f.eye_y), side, f.eye_slant);
    const float w = f.eye_half_width;
    const Extent extent{-1.3F * w, -1.8F * f.eye_upper - f.crease - 3.0F, 1.3F * w, f.eye_lower + 4.0F};

    const auto socket = ellipse(1.25F * w, 1.5F * f.eye_upper + 2.0F);
    fill(
        scene.canvas, eye, {-1.6F * w, -16.0F, 1.6F * w, 14.0F}, {0.22F, 3.0F},
        [=](float u, float v) { return socket(u, v + 1.5F); }, shade(0.72F));
    const auto inside = [lids](float u, float v) { return lids.inside(u, v); };
    fill(scene.canvas, eye, extent, {}, inside, flat({0.95F, 0.95F, 0.94F}));
    draw_iris(scene, eye, lids, side);
    const auto under_lid = [lids](float u, float v) { return higher(lids.inside(u, v), v + lids.upper * lids.arc(u) - 1.6F); };
    fill(scene.canvas, eye, extent, {0.35F, 0.8F}, under_lid, shade(0.6F));

    const auto band = [lids, w](float rise, float half_thickness, float reach) {
        return [=](float u, float v) {
            const float line = v + lids.upper * lids.arc(u) + rise;
            return higher(magnitude(line) - half_thickness * (1.15F - 0.3F * square_of(u / w)),
                          (magnitude(u) - reach * w) * 0.8F);
        };
    };
    const Colour lash = blended(scaled(f.hair, 0.4F), {0.05F, 0.04F, 0.04F}, 0.6F);
    fill(scene.canvas, eye, extent, {}, band(0.3F, 0.95F, 1.08F), flat(lash));
    fill(scene.canvas, eye, extent, {0.55F, 0.5F}, band(f.crease, 0.55F, 0.95F), shade(0.55F));
    const auto below = [lids, w](float u, float v) {
        return higher(magnitude(v - lids.lower * (1.0F - square_of(u / w))) - 0.4F, (magnitude(u) - w) * 0.8F);
    };
    fill(scene.canvas, eye, extent, {0.6F, 0.4F}, below, shade(0.5F));
}

}  // namespace

void draw_eyes(const Scene& scene) {
    draw_eye(scene, -1.0F);
    draw_eye(scene, 1.0F);
}

void draw_brows(const Scene& scene) {
    const FaceMeasures& f = scene.face;
    const float length = f.brow_half_length, thick = f.brow_half_thickness, arch = f.brow_arch, taper = f.brow_taper;
    const float raise = 2.2F * scene.conditions.brow_raise;
    const Colour colour = blended(scaled(f.hair, 0.65F), scaled(f.skin, 0.35F), 0.25F);
    for (const float side : {-1.0F, 1.0F}) {
        const float slant = -f.brow_slant + 0.06F * scene.conditions.brow_raise;
        const Affine brow = sided(scene.patch(side * (f.eye_x + 0.8F), f.brow_y - raise, 1.5F), side, slant);
        const auto shape = [=](float u, float v) {
            const float s = u / length;
            const float line = v + arch * (1.0F - s * s) * (1.0F + 0.35F * s) - 0.5F * arch;
            return higher(magnitude(line) - thick * (1.0F - taper * 0.5F * (s + 1.0F)), (magnitude(u) - length) * 0.8F);
        };
        fill(scene.canvas, brow, {-length - 1.0F, -2.0F * arch - 4.0F, length + 1.0F, arch + 5.0F}, {0.92F, 0.8F}, shape,
             flat(colour));
    }
}

void draw_nose(const Scene& scene) {
    const FaceMeasures& f = scene.face;
    const float lit = scene.conditions.light_x > 0.0F ? 1.0F : -1.0F;  // the side that the light falls on
    const float height = f.nose_y - f.eye_y;
    const Affine bridge = scene.patch(0.0F, 0.5F * (f.eye_y + f.nose_y), 3.0F);
    const float bw = f.bridge_half_width, nw = f.nose_half_width;
    const float length = 0.5F * height + 2.0F;
    const auto wall = [=](float side, float width) {
        return [=](float u, float v) {
            const float t = v / length;
            const float edge = bw + (nw - bw) * 0.35F * square_of(0.5F * (t + 1.0F));
            return higher(magnitude(side * u - edge - 0.5F * width) - width, (magnitude(v) - length) * 0.5F);
        };
    };
    const Extent along{-14.0F, -length - 1.0F, 14.0F, length + 1.0F};
    fill(scene.canvas, bridge, along, {0.30F, 2.0F}, wall(-lit, 1.6F), shade(0.62F));
    fill(scene.canvas, bridge, along, {0.16F, 2.0F}, wall(lit, 1.0F), shade(0.7F));

    const Affine tip = scene.patch(0.0F, f.nose_y, 8.0F);
    const float r = f.tip_radius;
    const Extent around{-nw - 6.0F, -r - 8.0F, nw + 6.0F, r + 9.0F};
    // Below the nose: a crescent, then wings, nostrils and a light on the tip.
    const auto disc = ellipse(nw * 1.02F, 0.75F * r + 1.6F), lifted = ellipse(nw * 1.15F, 0.75F * r + 1.6F);
    const auto crescent = [=](float u, float v) { return higher(disc(u, v - 1.4F), -lifted(u, v + 1.8F)); };
    fill(scene.canvas, tip, around, {0.55F, 1.0F}, crescent, shade(0.55F));
    for (const float side : {-1.0F, 1.0F}) {
        const auto wing = ellipse(0.34F * nw + 0.6F, 0.62F * r + 0.8F), cut = ellipse(0.34F * nw + 0.6F, 0.62F * r + 1.6F);
        const auto arc = [=](float u, float v) {
            const float s = side * u - 0.72F * nw;
            return higher(wing(s, v - 1.2F), -cut(s + 1.1F, v - 0.6F));
        };
        fill(scene.canvas, tip, around, {0.65F, 0.5F}, arc, shade(0.5F));
        const auto nostril = ellipse(1.25F * f.nostril_radius, 0.8F * f.nostril_radius);
        fill(
            scene.canvas, tip, around, {0.85F, 0.4F},
            [=](float u, float v) { return nostril(side * u - 0.42F * nw, v - 0.55F * r - 1.2F + f.nostril_rise); },
            flat(scaled(f.skin, 0.25F)));
    }
    const auto gleam = ellipse(0.45F * r, 0.38F * r);
    fill(
        scene.canvas, tip, around, {0.28F, 2.0F}, [=](float u, float v) { return gleam(u - 0.8F * lit, v + 1.5F); },
        flat({1.0F, 1.0F, 1.0F}));
}

void draw_mouth(const Scene& scene) {
    const FaceMeasures& f = scene.face;
    const ImageConditions& c = scene.conditions;
    const Point corner = mouth_corner(f, c, 1.0F);
    const Affine mouth = scene.patch(0.0F, f.mouth_y);
    const float w = corner.x, rise = corner.y, open = 5.5F * c.mouth_open, bow = f.cupid_bow;
    const float upper_height = f.upper_lip * (1.0F - 0.15F * c.smile), lower_height = f.lower_lip * (1.0F - 0.15F * c.smile);
    const auto lip_line = [=](float s2) { return rise * s2; };
    const Extent extent{-w - 3.0F, -14.0F, w + 3.0F, 20.0F};

    const auto gap = [=](float u, float v) {
        const float s2 = square_of(u / w), q = 1.0F - s2, m = v - lip_line(s2);
        return higher(-m - 0.25F * open * q, m - open * q);
    };
    const auto upper_lip = [=](float u, float v) {
        const float s2 = square_of(u / w), q = 1.0F - s2, m = v - lip_line(s2) + 0.25F * open * q;
        const float top = upper_height * (q * (1.0F - bow) + bow * 4.0F * s2 * q * 1.2F + 0.25F * bow * q);
        return higher(m, -m - top);
    };
    const auto lower_lip = [=](float u, float v) {
        const float s2 = square_of(u / w), q = 1.0F - s2, m = v - lip_line(s2) - open * q;
        return higher(-m, m - lower_height * q);
    };
    fill(scene.canvas, mouth, extent, {}, upper_lip, flat(scaled(f.lips, 0.88F)));
    fill(scene.canvas, mouth, extent, {}, lower_lip, flat(f.lips));
    if (open > 0.6F) {
        fill(scene.canvas, mouth, extent, {}, gap, flat({0.22F, 0.06F, 0.07F}));
        const auto teeth = [=](float u, float v) {
            const float s2 = square_of(u / w), q = 1.0F - s2;
            return higher(gap(u, v) + 0.15F, v - lip_line(s2) + 0.25F * open * q - 0.5F * open * q);
        };
        fill(scene.canvas, mouth, extent, {0.95F, 0.0F}, teeth, flat({0.95F, 0.94F, 0.90F}));
    }
    const auto line = [=](float u, float v) {
        const float s2 = square_of(u / w);
        return higher(magnitude(v - lip_line(s2) + 0.25F * open * (1.0F - s2)) - 0.5F, magnitude(u) - w - 0.8F);
    };
    fill(scene.canvas, mouth, extent, {0.8F, 0.3F}, line, flat(scaled(f.lips, 0.35F)));
    const auto gleam = ellipse(0.35F * w, 0.28F * lower_height + 0.3F);
    fill(
        scene.canvas, mouth, extent, {0.22F, 1.0F}, [=](float u, float v) { return gleam(u, v - open - 0.45F * lower_height); },
        flat({1.0F, 1.0F, 1.0F}));
    const auto under = ellipse(0.5F * w, 1.6F);
    fill(
        scene.canvas, mouth, extent, {0.22F, 1.5F}, [=](float u, float v) { return under(u, v - open - lower_height - 2.6F); },
        shade(0.6F));
}

void draw_skin_marks(const Scene& scene) {
    const FaceMeasures& f = scene.face;
    for (const float side : {-1.0F, 1.0F}) {
        const Affine cheek = scene.patch(side * 23.0F, 6.0F);
        const auto blush = ellipse(9.0F, 7.0F);
        fill(scene.canvas, cheek, {-14.0F, -12.0F, 14.0F, 12.0F}, {0.20F, 6.0F}, blush,
             flat(blended(f.skin, {0.85F, 0.35F, 0.32F}, 0.6F)));
        if (f.freckles > 0.05F) {
            const float opacity = lower(0.55F, f.freckles);
            for (int i = 0; i < 7; ++i) {  // seven dots on a spiral: golden angle, Vogel 1979
                const float angle = 2.399963F * static_cast<float>(i), radius = 3.4F * std::sqrt(static_cast<float>(i) + 0.3F);
                const float x = side * (19.0F + radius * std::cos(angle)), y = 2.0F + 0.8F * radius * std::sin(angle);
                fill(scene.canvas, scene.patch(x, y), {-1.5F, -1.5F, 1.5F, 1.5F}, {opacity, 0.4F}, ellipse(0.95F, 0.95F),
                     flat(scaled(f.skin, 0.55F)));
            }
        }
    }
    const float mouth_y = f.mouth_y;
    if (f.stubble > 0.02F) {
        const float jaw = 0.62F * f.half_width;
        const Affine lower_face = scene.patch(0.0F, mouth_y);
        const auto beard = [=](float u, float v) { return square_of(u / jaw) + square_of((v - 4.0F) / 22.0F) - 1.0F; };
        fill(scene.canvas, lower_face, {-45.0F, -30.0F, 45.0F, 40.0F}, {0.6F * f.stubble, 9.0F}, beard,
             flat(blended(f.hair, f.skin, 0.35F)));
    }
    fill(scene.canvas, scene.patch(f.mole_x, f.mole_y), {-2.5F, -2.5F, 2.5F, 2.5F}, {0.85F, 0.3F}, ellipse(1.35F, 1.35F),
         flat(scaled(f.skin, 0.35F)));
}

void draw_glasses(const Scene& scene) {
    const ImageConditions& c = scene.conditions;
    if (c.glasses == Glasses::none) return;
    const FaceMeasures& f = scene.face;
    const float a = 13.0F * c.glasses_size, b = (c.glasses == Glasses::round ? 11.0F : 8.5F) * c.glasses_size;
    const float power = c.glasses == Glasses::square ? 1.0F : 0.0F;
    const auto lens = [=](float grow) {
        return [=](float u, float v) {
            const float x = square_of(u / (a + grow)), y = square_of(v / (b + grow));
            return x + y + power * (x * x + y * y - x - y) - 1.0F;
        };
    };
    const auto outer = lens(0.9F), inner = lens(-0.7F);
    const Extent extent{-a - 3.0F, -b - 3.0F, a + 3.0F, b + 3.0F};
    for (const float side : {-1.0F, 1.0F}) {
        const Affine place = scene.patch(side * 17.6F, f.eye_y + 1.5F, 5.0F);
        fill(scene.canvas, place, extent, {0.10F, 0.0F}, inner, flat({0.85F, 0.92F, 1.0F}));
        fill(
            scene.canvas, place, extent, {}, [=](float u, float v) { return higher(outer(u, v), -inner(u, v)); },
            flat(c.glasses_colour));
        const Affine temple = scene.patch(side * 34.0F, f.eye_y, 2.0F);
        fill(
            scene.canvas, temple, {-6.0F, -2.0F, 6.0F, 2.0F}, {},
            [](float u, float v) { return higher(magnitude(v) - 0.9F, magnitude(u) - 5.0F); }, flat(c.glasses_colour));
    }
    fill(
        scene.canvas, scene.patch(0.0F, f.eye_y, 7.0F), {-6.0F, -3.0F, 6.0F, 3.0F}, {},
        [](float u, float v) { return higher(magnitude(v + 0.03F * u * u) - 0.9F, magnitude(u) - 5.5F); },
        flat(c.glasses_colour));
}

void draw_occluder(const Scene& scene) {
    const ImageConditions& c = scene.conditions;
    const float size = c.occluder_size;
    const Colour colour = c.occluder_colour;
    if (c.occluder == Occluder::mask) {  // over mouth and chin
        const Affine place = scene.patch(0.0F, scene.face.mouth_y + 2.0F, 3.0F);
        const float w = 0.85F * scene.face.half_width, h = 17.0F * size;
        fill(
            scene.canvas, place, {-50.0F, -30.0F, 50.0F, 40.0F}, {},
            [=](float u, float v) {
                const float x = square_of(u / w), y = square_of((v - 3.0F) / h);
                return x * x + y * y - 1.0F;
            },
            [=](float, float v, Colour) {
                const float wave = v * 0.16F;
                const float pleat = 0.9F + 0.2F * magnitude(wave - std::floor(wave) - 0.5F);
                return Colour{colour.red * pleat, colour.green * pleat, colour.blue * pleat};
            });
    } else if (c.occluder == Occluder::hand) {  // a round thing held before one cheek
        const float side = c.occluder_x > 0.0F ? 1.0F : -1.0F;
        const Affine place = scene.patch(side * 26.0F, 12.0F + 8.0F * c.occluder_y, 6.0F);
        fill(scene.canvas, place, {-20.0F, -24.0F, 20.0F, 24.0F}, {}, ellipse(12.0F * size, 15.0F * size), flat(colour));
    } else if (c.occluder == Occluder::bar) {  // a stick across the picture
        const float x0 = 14.0F * c.occluder_x, lean = 0.5F * c.occluder_y;
        fill(
            scene.canvas, scene.camera, {-1e4F, -1e4F, 1e4F, 1e4F}, {},
            [=](float x, float y) { return magnitude(x - x0 - lean * y) - 3.2F * size; }, flat(colour));
    }
}

}  // namespace fairsweep::faces
