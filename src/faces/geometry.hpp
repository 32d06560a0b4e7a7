#pragma once
/// From traits and conditions to measures and places. Three coordinate systems:
///   head   the frontal face at rest; x to the image's right, y down, origin between eyes and mouth at the nose;
///          one unit is one pixel of the ArcFace template (112 x 112), so pupils lie near (+-17.6, -20)
///   view   the head after its 3-D rotation, seen from the front (parallel projection), same units
///   pixel  the picture, origin at the middle of the top left pixel, as data/align.hpp has it
#include <array>

#include "data/align.hpp"
#include "faces/conditions.hpp"
#include "faces/identity.hpp"

namespace fairsweep::faces {

struct Point {
    float x = 0.0F, y = 0.0F;
};

/// u = ux*x + uy*y + u0, v = vx*x + vy*y + v0.
struct Affine {
    float ux = 1.0F, uy = 0.0F, u0 = 0.0F, vx = 0.0F, vy = 1.0F, v0 = 0.0F;
    [[nodiscard]] Point operator()(Point p) const { return {ux * p.x + uy * p.y + u0, vx * p.x + vy * p.y + v0}; }
};
[[nodiscard]] Affine inverse(const Affine& map);
[[nodiscard]] Affine compose(const Affine& outer, const Affine& inner);  ///< x -> outer(inner(x))

/// Measures in head units; what an identity looks like at rest.
struct FaceMeasures {
    float center_y, half_width, up, down, jaw, square, cheek;
    float ear_radius, eye_x, eye_y, eye_half_width, eye_upper, eye_lower, eye_slant, eye_skew, iris_radius, crease;
    float brow_y, brow_half_thickness, brow_half_length, brow_slant, brow_arch, brow_taper;
    float nose_y, nose_half_width, bridge_half_width, tip_radius, nostril_radius, nostril_rise;
    float mouth_y, mouth_half_width, upper_lip, lower_lip, cupid_bow, mouth_tilt;
    float hair_thickness, hair_end_y, hairline_y, parting_x, hairline_tilt;
    float freckles, mole_x, mole_y, stubble;
    Colour skin, hair, iris, lips;
};
[[nodiscard]] FaceMeasures measure(const Identity& identity);

/// The head turned: places points of its surface in the view.
class TurnedHead {
public:
    TurnedHead(const FaceMeasures& face, const ImageConditions& conditions);
    /// Where the surface point above (x, y) is seen; `lift` units in front of the surface.
    [[nodiscard]] Point place(float x, float y, float lift = 0.0F) const;
    /// Local coordinates around (x, y) of the surface -> view, foreshortened as the surface is there.
    [[nodiscard]] Affine patch(float x, float y, float lift = 0.0F) const;

private:
    float center_y_, radius_x_, radius_y_, radius_z_;
    std::array<std::array<float, 3>, 2> rotation_;  // the two rows that a parallel projection keeps
};

/// Where a closed or smiling mouth ends, relative to its middle.
[[nodiscard]] Point mouth_corner(const FaceMeasures& face, const ImageConditions& conditions, float side);

/// True landmarks in the view: pupils' sockets, tip of the nose, corners of the mouth.
[[nodiscard]] FivePoints view_landmarks(const FaceMeasures& face, const TurnedHead& head, const ImageConditions& conditions);
/// view -> pixel for a picture of size x size.
[[nodiscard]] Affine camera(const FivePoints& view_landmarks, const ImageConditions& conditions, int size);

}  // namespace fairsweep::faces
