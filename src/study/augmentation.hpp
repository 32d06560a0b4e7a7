#pragma once
/// Random changes of a baseline's training images: a shift, as a crop after padding gives it, then brightness, contrast and
/// saturation (docs/compression.md has the formulas). What a face gets is a pure function of seed, data set, epoch and image:
/// the order of batches, their size, ranks and threads have no say in it. No torch here.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "fairsweep/check.hpp"
#include "fairsweep/random.hpp"
#include "study/data_order.hpp"

namespace fairsweep {

struct Augmentation {
    int padding = 0;      ///< pixels at each side of a face of 112 x 112; in proportion at other sizes
    double colour = 0.0;  ///< brightness, contrast and saturation are drawn from 1 - colour ... 1 + colour
    bool operator==(const Augmentation&) const = default;
};

/// The strength that a word of `recipe.augmentation` names.
[[nodiscard]] inline Augmentation augmentation_of(std::string_view word) {
    if (word == "light") return {4, 0.2};
    if (word == "strong") return {8, 0.4};
    FAIRSWEEP_CHECK(word == "none", "train with an augmentation of an unknown name");
    return {};
}

/// What happens to one face.
struct FaceChange {
    int down = 0, right = 0;  ///< where the crop begins, from where the face begins
    float brightness = 1.0F, contrast = 1.0F, saturation = 1.0F;
    bool operator==(const FaceChange&) const = default;
};

struct AugmentationKey {
    std::uint64_t seed = 0;
    std::uint64_t data = 0;  ///< Digest::prefix() of the data set
    std::int64_t epoch = 0;
};

[[nodiscard]] inline FaceChange draw_change(const Augmentation& augmentation, int image_size, const AugmentationKey& key,
                                            std::uint32_t image) {
    RandomStream stream(key.seed, key.data, "augmentation", static_cast<std::uint64_t>(key.epoch) << 32U | image);
    const int padding = (augmentation.padding * image_size + 56) / 112;
    const auto shift = [&] { return static_cast<int>(stream.below(2 * static_cast<std::uint64_t>(padding) + 1)) - padding; };
    const auto factor = [&] { return static_cast<float>(stream.uniform(1.0 - augmentation.colour, 1.0 + augmentation.colour)); };
    return {.down = shift(), .right = shift(), .brightness = factor(), .contrast = factor(), .saturation = factor()};
}

/// Moves the picture of a face [size, size, 3]. What enters at an edge is the mirrored picture (without the edge itself, as numpy
/// and torch pad in mode "reflect"): a fill of one colour would be an edge that no face has, and would tell the shift.
inline void shift_face(std::span<float> face, int size, int down, int right) {
    if (down == 0 && right == 0) return;
    const std::vector<float> from(face.begin(), face.end());
    const auto mirrored = [size](int at) { return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at; };
    auto out = face.begin();
    for (int row = 0; row < size; ++row)
        for (int col = 0; col < size; ++col) {
            const auto pixel = from.begin() + 3 * (mirrored(row + down) * size + mirrored(col + right));
            out = std::copy(pixel, pixel + 3, out);
        }
}

/// Blends a face, values -1 (black) ... 1 (white), with black, then with its mean grey, then pixel by pixel with its grey, and
/// cuts to that range each time: brightness, contrast and saturation as torchvision defines them, in float and not rounded.
inline void change_colours(std::span<float> face, const FaceChange& change) {
    const auto blend = [](float value, float factor, float other) {
        return std::clamp(factor * value + (1.0F - factor) * other, -1.0F, 1.0F);
    };
    const auto grey = [](const float* pixel) { return 0.299F * pixel[0] + 0.587F * pixel[1] + 0.114F * pixel[2]; };
    double sum = 0.0;
    for (std::size_t i = 0; i < face.size(); i += 3) {
        float* pixel = &face[i];
        for (int c = 0; c < 3; ++c) pixel[c] = blend(pixel[c], change.brightness, -1.0F);
        sum += static_cast<double>(grey(pixel));
    }
    const auto mean = static_cast<float>(sum / (static_cast<double>(face.size()) / 3.0));
    for (std::size_t i = 0; i < face.size(); i += 3) {
        float* pixel = &face[i];
        for (int c = 0; c < 3; ++c) pixel[c] = blend(pixel[c], change.contrast, mean);
        const float own = grey(pixel);
        for (int c = 0; c < 3; ++c) pixel[c] = blend(pixel[c], change.saturation, own);
    }
}

/// Changes the faces of a batch [samples, size, size, 3] in place. "none" leaves every bit as it is.
inline void augment(std::span<float> faces, int size, std::span<const Sample> samples, const Augmentation& augmentation,
                    const AugmentationKey& key) {
    if (augmentation == Augmentation{}) return;
    const std::size_t values = static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3;
    FAIRSWEEP_CHECK(faces.size() == samples.size() * values, "augment a batch of another shape");
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const FaceChange change = draw_change(augmentation, size, key, samples[i].image);
        const std::span<float> face = faces.subspan(i * values, values);
        shift_face(face, size, change.down, change.right);
        change_colours(face, change);
    }
}

}  // namespace fairsweep
