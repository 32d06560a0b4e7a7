#include "faces/geometry.hpp"

#include <algorithm>
#include <cmath>

#include "fairsweep/check.hpp"

namespace fairsweep::faces {
namespace {

float mix(float a, float b, float t) { return a + (b - a) * t; }
Colour mix(Colour a, Colour b, float t) { return {mix(a.red, b.red, t), mix(a.green, b.green, t), mix(a.blue, b.blue, t)}; }

Colour ramp(Colour low, Colour middle, Colour high, float t) {  // t in -1 .. 1
    return t < 0.0F ? mix(low, middle, t + 1.0F) : mix(middle, high, t);
}

void measure_colours(const Traits& t, FaceMeasures& m) {
    m.skin = ramp({0.97F, 0.83F, 0.73F}, {0.80F, 0.60F, 0.46F}, {0.42F, 0.28F, 0.20F}, t[skin_tone]);
    m.skin.red += 0.04F * t[skin_undertone];
    m.skin.blue -= 0.05F * t[skin_undertone];
    m.hair = ramp({0.07F, 0.06F, 0.06F}, {0.34F, 0.20F, 0.11F}, {0.86F, 0.70F, 0.40F}, t[hair_lightness]);
    m.hair.red += 0.10F * std::max(0.0F, t[hair_redness]);
    m.hair.green -= 0.05F * std::max(0.0F, t[hair_redness]);
    m.iris = ramp({0.25F, 0.14F, 0.07F}, {0.36F, 0.38F, 0.18F}, {0.25F, 0.45F, 0.65F}, 1.5F * t[iris_hue] - 0.4F);
    const float light = 1.0F + 0.25F * t[iris_lightness];
    m.iris = {m.iris.red * light, m.iris.green * light, m.iris.blue * light};
    m.lips = mix(m.skin, {0.72F, 0.22F, 0.24F}, 0.5F + 0.25F * t[lip_colour]);
}

void measure_head(const Traits& t, FaceMeasures& m) {
    m.center_y = -15.0F;
    m.half_width = 38.0F * (1.0F + 0.12F * t[head_width]);
    m.up = 52.0F + 4.0F * t[cranium_height];
    m.down = 55.0F + 6.0F * t[chin_length];
    m.jaw = 0.24F - 0.17F * t[jaw_taper];
    m.square = 0.40F + 0.35F * t[jaw_squareness];
    m.cheek = 0.06F * t[cheek_width];
    m.ear_radius = 8.0F * (1.0F + 0.3F * t[ear_size]);
    m.hair_thickness = 6.5F + 4.5F * t[hair_volume];
    m.hair_end_y = m.center_y + 40.0F + 36.0F * t[hair_length];
    m.hairline_y = -46.0F + 10.0F * t[hair_fringe];
    m.parting_x = 20.0F * t[hair_parting];
    m.hairline_tilt = 11.0F * t[hair_parting];
    m.freckles = std::max(0.0F, t[freckles] - 0.1F);
    m.mole_x = 26.0F * t[mole_x];
    m.mole_y = 14.0F + 20.0F * t[mole_y];
    m.stubble = std::max(0.0F, 0.25F + 0.5F * t[stubble]);
}

}  // namespace

Affine inverse(const Affine& m) {
    const float scale = 1.0F / (m.ux * m.vy - m.uy * m.vx);
    Affine r{m.vy * scale, -m.uy * scale, 0.0F, -m.vx * scale, m.ux * scale, 0.0F};
    r.u0 = -(r.ux * m.u0 + r.uy * m.v0);
    r.v0 = -(r.vx * m.u0 + r.vy * m.v0);
    return r;
}

Affine compose(const Affine& o, const Affine& i) {
    return {o.ux * i.ux + o.uy * i.vx, o.ux * i.uy + o.uy * i.vy, o.ux * i.u0 + o.uy * i.v0 + o.u0,
            o.vx * i.ux + o.vy * i.vx, o.vx * i.uy + o.vy * i.vy, o.vx * i.u0 + o.vy * i.v0 + o.v0};
}

FaceMeasures measure(const Identity& identity) {
    const Traits& t = identity.traits;
    FaceMeasures m{};
    measure_head(t, m);
    measure_colours(t, m);
    m.eye_x = 17.6F * (1.0F + 0.11F * t[eye_spacing]);
    m.eye_y = -20.0F + 2.5F * t[eye_height];
    m.eye_half_width = 8.6F * (1.0F + 0.2F * t[eye_width]);
    m.eye_upper = 5.2F * (1.0F + 0.38F * t[eye_opening]);
    m.eye_lower = 3.2F * (1.0F + 0.25F * t[eye_opening]);
    m.eye_slant = 0.2F * t[eye_slant];
    m.eye_skew = 0.4F * t[eye_skew];
    m.iris_radius = 4.3F * (1.0F + 0.2F * t[iris_size]);
    m.crease = 2.4F + 1.6F * t[eyelid_crease];
    m.brow_y = m.eye_y - 11.5F - 2.8F * t[brow_height];
    m.brow_half_thickness = 1.9F * (1.0F + 0.55F * t[brow_thickness]);
    m.brow_half_length = 10.0F * (1.0F + 0.22F * t[brow_length]);
    m.brow_slant = 0.2F * t[brow_slant];
    m.brow_arch = 2.4F * (1.0F + 0.95F * t[brow_arch]);
    m.brow_taper = 0.5F + 0.4F * t[brow_taper];
    m.nose_y = 0.5F + 3.5F * t[nose_length];
    m.nose_half_width = 7.2F * (1.0F + 0.3F * t[nose_width]);
    m.bridge_half_width = 3.4F * (1.0F + 0.35F * t[nose_bridge]);
    m.tip_radius = 4.6F * (1.0F + 0.3F * t[nose_tip]);
    m.nostril_radius = 1.5F * (1.0F + 0.5F * t[nostril_size]);
    m.nostril_rise = 1.5F * t[nose_upturn];
    m.mouth_y = 20.6F + 2.8F * t[mouth_height];
    m.mouth_half_width = 14.0F * (1.0F + 0.2F * t[mouth_width]);
    m.upper_lip = 2.8F * (1.0F + 0.5F * t[upper_lip]);
    m.lower_lip = 3.8F * (1.0F + 0.5F * t[lower_lip]);
    m.cupid_bow = 0.38F + 0.32F * t[cupid_bow];
    m.mouth_tilt = 1.6F * t[mouth_tilt];
    return m;
}

TurnedHead::TurnedHead(const FaceMeasures& face, const ImageConditions& c)
    : center_y_(face.center_y), radius_x_(face.half_width * 1.15F), radius_y_(60.0F), radius_z_(40.0F) {
    const float cy = std::cos(c.yaw_rad), sy = std::sin(c.yaw_rad), cp = std::cos(c.pitch_rad), sp = std::sin(c.pitch_rad);
    // Yaw about the vertical axis first, then pitch about the picture's horizontal one; z points at the viewer.
    rotation_ = {{{cy, 0.0F, sy}, {-sp * sy, cp, sp * cy}}};
}

Point TurnedHead::place(float x, float y, float lift) const {
    const float dy = y - center_y_;
    const float ex = x / radius_x_, ey = dy / radius_y_;
    const float z = radius_z_ * std::sqrt(std::max(1.0F - ex * ex - ey * ey, 0.05F)) + lift;
    return {rotation_[0][0] * x + rotation_[0][1] * dy + rotation_[0][2] * z,
            center_y_ + rotation_[1][0] * x + rotation_[1][1] * dy + rotation_[1][2] * z};
}

Affine TurnedHead::patch(float x, float y, float lift) const {
    constexpr float kStep = 3.0F;
    const Point center = place(x, y, lift);
    const Point left = place(x - kStep, y, lift), right = place(x + kStep, y, lift);
    const Point above = place(x, y - kStep, lift), below = place(x, y + kStep, lift);
    constexpr float kHalf = 0.5F / kStep;
    Affine map{(right.x - left.x) * kHalf, (below.x - above.x) * kHalf, center.x,
               (right.y - left.y) * kHalf, (below.y - above.y) * kHalf, center.y};
    map.ux = std::max(map.ux, 0.3F);  // a feature at the rim gets narrow, never inside out
    return map;
}

Point mouth_corner(const FaceMeasures& face, const ImageConditions& c, float side) {
    return {side * face.mouth_half_width * (1.0F + 0.12F * c.smile), -3.0F * c.smile - face.mouth_tilt};
}

FivePoints view_landmarks(const FaceMeasures& face, const TurnedHead& head, const ImageConditions& c) {
    const Affine mouth = head.patch(0.0F, face.mouth_y);
    const auto precise = [](Point p) { return Point2{static_cast<double>(p.x), static_cast<double>(p.y)}; };
    return {precise(head.place(-face.eye_x, face.eye_y)), precise(head.place(face.eye_x, face.eye_y)),
            precise(head.place(0.0F, face.nose_y, 8.0F)), precise(mouth(mouth_corner(face, c, -1.0F))),
            precise(mouth(mouth_corner(face, c, 1.0F)))};
}

Affine camera(const FivePoints& landmarks, const ImageConditions& c, int size) {
    const auto side = static_cast<float>(size);
    if (c.framing == Framing::loose) {
        // One head unit is one pixel of a 160-pixel cut: as fine as the template's own scale.
        const float scale = c.crop_scale * side / 160.0F;
        const float cosine = scale * std::cos(c.roll_rad), sine = scale * std::sin(c.roll_rad);
        const float x = side * 0.5F - 0.5F + c.crop_x * side / 160.0F, y = side * 0.54F + c.crop_y * side / 160.0F;
        return {cosine, -sine, x, sine, cosine, y};
    }
    FivePoints found = landmarks;
    for (std::size_t i = 0; i < found.size(); ++i) {
        found[i].x += static_cast<double>(c.jitter_px[2 * i]);
        found[i].y += static_cast<double>(c.jitter_px[2 * i + 1]);
    }
    const std::optional<Similarity> fit = fit_similarity(found, arcface_template(size));
    FAIRSWEEP_CHECK(fit.has_value(), "five landmarks of a face never coincide");
    const auto a = static_cast<float>(fit->a), b = static_cast<float>(fit->b);
    return {a, -b, static_cast<float>(fit->shift_x), b, a, static_cast<float>(fit->shift_y)};
}

}  // namespace fairsweep::faces
