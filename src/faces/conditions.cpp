#include "faces/conditions.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fairsweep::faces {
namespace {

// Measured on a prototype; changing one changes how hard every group is.
constexpr double kYaw_rad = 0.22, kPitch_rad = 0.13, kRoll_rad = 0.06;
constexpr double kGain = 0.10, kExposure = 0.18, kBlur_px = 0.7, kJitter_px = 1.2;
constexpr double kNoiseLow = 0.015, kNoiseHigh = 0.045;
constexpr double kGlassesShare = 0.15, kOccluderShare = 0.10;

float normal(RandomStream& stream, double sigma) {
    return static_cast<float>(sigma * std::clamp(stream.normal(), -2.5, 2.5));  // no face turns out of sight
}

float uniform(RandomStream& stream, double low, double high) { return static_cast<float>(stream.uniform(low, high)); }

Colour any_colour(RandomStream& stream, double low, double high) {
    const float red = uniform(stream, low, high), green = uniform(stream, low, high), blue = uniform(stream, low, high);
    return {red, green, blue};
}

void sample_expression(ImageConditions& c, RandomStream& stream) {
    c.smile = normal(stream, 0.45);
    c.mouth_open = std::max(0.0F, normal(stream, 0.3) - 0.1F);
    c.brow_raise = normal(stream, 0.4);
    c.eye_closing = std::clamp(0.12F + normal(stream, 0.12), 0.0F, 0.6F);
    c.gaze_x = normal(stream, 0.35);
    c.gaze_y = normal(stream, 0.2);
}

void sample_light(ImageConditions& c, RandomStream& stream) {
    c.light_x = normal(stream, 0.55);
    c.light_y = normal(stream, 0.35) - 0.35F;  // lamps hang above
    c.light_contrast = uniform(stream, 0.2, 0.5);
    c.exposure = static_cast<float>(std::exp(kExposure * std::clamp(stream.normal(), -2.5, 2.5)));
    for (float& gain : c.gain) gain = 1.0F + normal(stream, kGain);
}

void sample_surroundings(ImageConditions& c, RandomStream& stream) {
    c.background_a = any_colour(stream, 0.1, 0.95);
    c.background_b = any_colour(stream, 0.1, 0.95);
    c.background_angle_rad = uniform(stream, 0.0, 2.0 * std::numbers::pi);
    c.background_stripes = uniform(stream, 0.0, 1.0);
    c.clothing = any_colour(stream, 0.05, 0.9);
    const double glasses = stream.uniform();
    if (glasses < kGlassesShare) c.glasses = glasses < kGlassesShare / 2 ? Glasses::round : Glasses::square;
    c.glasses_colour = any_colour(stream, 0.02, 0.35);
    c.glasses_size = uniform(stream, 0.9, 1.15);
    const double occluder = stream.uniform();
    if (occluder < kOccluderShare) c.occluder = static_cast<Occluder>(1 + static_cast<int>(3.0 * occluder / kOccluderShare));
    c.occluder_colour = any_colour(stream, 0.1, 0.9);
    c.occluder_x = normal(stream, 1.0);
    c.occluder_y = normal(stream, 1.0);
    c.occluder_size = uniform(stream, 0.8, 1.2);
}

}  // namespace

ImageConditions sample_conditions(Framing framing, double noise_multiplier, RandomStream& stream) {
    ImageConditions c;
    c.framing = framing;
    c.yaw_rad = normal(stream, kYaw_rad);
    c.pitch_rad = normal(stream, kPitch_rad);
    c.roll_rad = normal(stream, kRoll_rad);
    sample_expression(c, stream);
    sample_light(c, stream);
    sample_surroundings(c, stream);
    c.blur_px = std::abs(normal(stream, kBlur_px));
    c.noise = static_cast<float>(noise_multiplier * stream.uniform(kNoiseLow, kNoiseHigh));
    c.jpeg_quality = 86 + static_cast<int>(stream.below(9));
    for (float& jitter : c.jitter_px) jitter = normal(stream, kJitter_px);
    c.crop_scale = uniform(stream, 0.9, 1.1);
    c.crop_x = normal(stream, 4.0);
    c.crop_y = normal(stream, 4.0);
    c.noise_seed = stream.next_u64();
    return c;
}

}  // namespace fairsweep::faces
