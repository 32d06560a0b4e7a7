#pragma once
/// Who a face belongs to: 48 numbers in (-1, 1), and nothing else. Everything that changes from image to image
/// (pose, light, glasses, background ...) is in conditions.hpp instead, so that no trait can leak an identity by accident.
#include <array>
#include <cstddef>
#include <cstdint>

#include "fairsweep/random.hpp"

namespace fairsweep::faces {

inline constexpr std::size_t kTraitCount = 48;

/// persistent: do not renumber (the same seed must give the same faces).
enum Trait : std::size_t {
    head_width,
    chin_length,
    jaw_taper,
    jaw_squareness,
    cheek_width,
    cranium_height,
    ear_size,
    stubble,
    eye_spacing,
    eye_height,
    eye_width,
    eye_opening,
    eye_slant,
    eye_skew,
    iris_size,
    iris_hue,
    iris_lightness,
    eyelid_crease,
    brow_height,
    brow_thickness,
    brow_length,
    brow_slant,
    brow_arch,
    brow_taper,
    nose_length,
    nose_width,
    nose_bridge,
    nose_tip,
    nostril_size,
    nose_upturn,
    mouth_width,
    mouth_height,
    upper_lip,
    lower_lip,
    cupid_bow,
    lip_colour,
    mouth_tilt,
    hair_volume,
    hair_length,
    hair_fringe,
    hair_parting,
    hair_lightness,
    hair_redness,
    skin_tone,
    skin_undertone,
    freckles,
    mole_x,
    mole_y,
};

/// Entries that say a colour rather than a shape; they vary less, so that colour alone tells no two people apart.
[[nodiscard]] bool is_colour(std::size_t trait);

using Traits = std::array<float, kTraitCount>;

struct Identity {
    Traits traits{};  ///< tanh(0.8 z)
};

inline constexpr std::size_t kLookCount = 4;

/// The mean of z of one of the looks. Looks imitate no race: they are four points in the space of drawings.
[[nodiscard]] Traits look_mean(std::size_t look);

/// z = mean + spread * n, colour entries of n scaled by 0.35; n ~ N(0, I) from the stream.
[[nodiscard]] Identity sample_identity(const Traits& look_mean, double spread, RandomStream& stream);

}  // namespace fairsweep::faces
