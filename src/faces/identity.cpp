#include "faces/identity.hpp"

#include <cmath>

#include "fairsweep/check.hpp"

namespace fairsweep::faces {
namespace {

constexpr double kColourScale = 0.35;
constexpr double kSquash = 0.8;
constexpr double kLookSpread = 0.35;  // how far looks lie apart in shape, in standard deviations of identities

}  // namespace

bool is_colour(std::size_t trait) {
    switch (trait) {
        case iris_hue:
        case iris_lightness:
        case lip_colour:
        case hair_lightness:
        case hair_redness:
        case skin_tone:
        case skin_undertone:
        case stubble:
            return true;
        default:
            return false;
    }
}

Traits look_mean(std::size_t look) {
    FAIRSWEEP_CHECK(look < kLookCount, "no such look");
    // Colours are chosen, so that the four are told apart at a glance; shapes are drawn once for all seeds.
    constexpr float kSkin[kLookCount] = {-1.15F, -0.35F, 0.35F, 1.15F};
    constexpr float kHair[kLookCount] = {0.9F, -0.5F, 0.3F, -0.9F};
    Traits mean{};
    RandomStream stream(0, look, "look");
    for (std::size_t i = 0; i < kTraitCount; ++i) mean[i] = static_cast<float>(kLookSpread * stream.normal());
    mean[skin_tone] = kSkin[look];
    mean[hair_lightness] = kHair[look];
    mean[stubble] = -0.6F;
    return mean;
}

Identity sample_identity(const Traits& look_mean, double spread, RandomStream& stream) {
    Identity identity;
    for (std::size_t i = 0; i < kTraitCount; ++i) {
        const double n = stream.normal() * (is_colour(i) ? kColourScale : 1.0);
        identity.traits[i] = static_cast<float>(std::tanh(kSquash * (static_cast<double>(look_mean[i]) + spread * n)));
    }
    return identity;
}

}  // namespace fairsweep::faces
