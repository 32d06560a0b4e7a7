#pragma once
/// How one picture was taken: everything that varies per image and never per identity.
#include <array>
#include <cstdint>

#include "fairsweep/random.hpp"

namespace fairsweep::faces {

struct Colour {
    float red = 0.0F, green = 0.0F, blue = 0.0F;  ///< [0, 1]
};

/// How the picture is cut. `aligned`: five (jittered) landmarks are fitted to the ArcFace template, as a real training
/// set comes. `loose`: a larger cut with its own scale, tilt and place, as RFW comes.
enum class Framing { aligned, loose };

enum class Glasses { none, round, square };
enum class Occluder { none, hand, mask, bar };

struct ImageConditions {
    Framing framing = Framing::aligned;
    float yaw_rad = 0.0F, pitch_rad = 0.0F, roll_rad = 0.0F;
    float smile = 0.0F;                    ///< about -1 .. 1
    float mouth_open = 0.0F;               ///< 0 .. 1
    float brow_raise = 0.0F;               ///< about -1 .. 1
    float eye_closing = 0.0F;              ///< 0 open .. 1 shut
    float gaze_x = 0.0F, gaze_y = 0.0F;    ///< -1 .. 1
    float light_x = 0.0F, light_y = 0.0F;  ///< direction of the lamp, in units of its distance in front of the face
    float light_contrast = 0.35F;          ///< share of the light that comes from the lamp
    float exposure = 1.0F;
    std::array<float, 3> gain{1.0F, 1.0F, 1.0F};
    Colour background_a{0.6F, 0.65F, 0.7F}, background_b{0.5F, 0.55F, 0.6F};
    float background_angle_rad = 0.0F, background_stripes = 0.0F;
    Colour clothing{0.3F, 0.35F, 0.5F};
    Glasses glasses = Glasses::none;
    Colour glasses_colour{0.1F, 0.1F, 0.1F};
    float glasses_size = 1.0F;
    Occluder occluder = Occluder::none;
    Colour occluder_colour{0.5F, 0.5F, 0.5F};
    float occluder_x = 0.0F, occluder_y = 0.0F, occluder_size = 1.0F;
    float blur_px = 0.0F;  ///< standard deviation, pixels at the template's scale (112)
    float noise = 0.0F;    ///< standard deviation, pixel values in [0, 1]
    int jpeg_quality = 90;
    std::array<float, 10> jitter_px{};                      ///< error of the landmark finder: x, y of five points, pixels at 112
    float crop_scale = 1.0F, crop_x = 0.0F, crop_y = 0.0F;  ///< loose framing only
    std::uint64_t noise_seed = 0;
};

/// Draws a picture's conditions. `noise_multiplier` is the group's planted difficulty.
[[nodiscard]] ImageConditions sample_conditions(Framing framing, double noise_multiplier, RandomStream& stream);

}  // namespace fairsweep::faces
