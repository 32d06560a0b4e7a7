#include "faces/render.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fairsweep/check.hpp"
#include "faces/scene.hpp"

namespace fairsweep::faces {
namespace {

/// Gaussian blur of one plane, rows then columns, edges repeated.
void blur_plane(std::vector<float>& plane, int size, float sigma_px) {
    const int radius = static_cast<int>(std::ceil(2.5F * sigma_px));
    std::vector<float> weights(static_cast<std::size_t>(2 * radius + 1));
    float sum = 0.0F;
    for (int k = -radius; k <= radius; ++k) {
        const auto t = static_cast<float>(k) / sigma_px;
        sum += weights[static_cast<std::size_t>(k + radius)] = std::exp(-0.5F * t * t);
    }
    for (float& weight : weights) weight /= sum;

    const auto n = static_cast<std::size_t>(size);
    const auto clamped = [size](int i) { return static_cast<std::size_t>(std::clamp(i, 0, size - 1)); };
    std::vector<float> padded(n + weights.size()), across(plane.size(), 0.0F);
    for (std::size_t row = 0; row < n; ++row) {
        for (std::size_t i = 0; i + 1 < n + weights.size(); ++i)
            padded[i] = plane[row * n + clamped(static_cast<int>(i) - radius)];
        float* __restrict out = across.data() + row * n;
        for (std::size_t k = 0; k < weights.size(); ++k) {
            const float weight = weights[k];
            const float* __restrict in = padded.data() + k;
            for (std::size_t col = 0; col < n; ++col) out[col] += weight * in[col];
        }
    }
    for (std::size_t row = 0; row < n; ++row) {
        float* __restrict out = plane.data() + row * n;
        std::fill(out, out + n, 0.0F);
        for (std::size_t k = 0; k < weights.size(); ++k) {
            const float weight = weights[k];
            const float* __restrict in = across.data() + clamped(static_cast<int>(row + k) - radius) * n;
            for (std::size_t col = 0; col < n; ++col) out[col] += weight * in[col];
        }
    }
}

/// 65,536 normal deviates; pictures pick from it with 16 random bits each, which is an order faster than Box-Muller.
const std::vector<float>& normal_table() {
    static const std::vector<float> table = [] {
        std::vector<float> values(1U << 16U);
        RandomStream stream(0, 0, "noise table");
        for (float& value : values) value = static_cast<float>(stream.normal());
        return values;
    }();
    return table;
}

Image develop(const Canvas& canvas, const ImageConditions& c) {
    Image image{canvas.size, canvas.size, std::vector<std::uint8_t>(canvas.red.size() * 3)};
    const std::array<const std::vector<float>*, 3> planes{&canvas.red, &canvas.green, &canvas.blue};
    const std::vector<float>& table = normal_table();
    RandomStream stream(c.noise_seed, 0, "noise");
    const float grain = 255.0F * c.noise;
    for (std::size_t channel = 0; channel < 3; ++channel) {
        const float gain = 255.0F * c.exposure * c.gain[channel];
        const std::vector<float>& plane = *planes[channel];
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < plane.size(); ++i) {
            bits = i % 2 == 0 ? stream.next_u32() : bits >> 16U;
            const float value = gain * plane[i] + grain * table[bits & 0xFFFFU];
            image.pixels[3 * i + channel] = static_cast<std::uint8_t>(lower(higher(value, 0.0F), 255.0F) + 0.5F);
        }
    }
    return image;
}

void draw(const Scene& scene) {
    draw_background(scene);
    draw_back_hair(scene);
    draw_body(scene);
    draw_head(scene);
    draw_skin_marks(scene);
    draw_mouth(scene);
    draw_eyes(scene);
    draw_brows(scene);
    draw_nose(scene);
    draw_light(scene);
    draw_front_hair(scene);
    draw_glasses(scene);
    draw_occluder(scene);
}

}  // namespace

RenderedFace render_face(const Identity& identity, const ImageConditions& conditions, int size) {
    FAIRSWEEP_CHECK(size >= 16 && size <= 1024, "face size out of range");
    const FaceMeasures face = measure(identity);
    const TurnedHead head(face, conditions);
    const FivePoints seen = view_landmarks(face, head, conditions);
    const Affine view_to_pixel = camera(seen, conditions, size);
    Canvas canvas(size);
    draw({canvas, face, conditions, head, view_to_pixel});

    RenderedFace result;
    result.pixels_per_unit = std::hypot(view_to_pixel.ux, view_to_pixel.vx);
    const float blur_px = conditions.blur_px * result.pixels_per_unit;
    if (blur_px > 0.15F) {
        for (std::vector<float>* plane : {&canvas.red, &canvas.green, &canvas.blue}) blur_plane(*plane, size, blur_px);
    }
    result.image = develop(canvas, conditions);
    for (std::size_t i = 0; i < seen.size(); ++i) {
        const Point at = view_to_pixel({static_cast<float>(seen[i].x), static_cast<float>(seen[i].y)});
        result.landmarks[i] = {static_cast<double>(at.x), static_cast<double>(at.y)};
    }
    return result;
}

Image enlarge(const Image& image, int size) {
    Image out{size, size, std::vector<std::uint8_t>(static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3)};
    const float step = static_cast<float>(image.cols) / static_cast<float>(size);
    const auto last = image.cols - 1;
    struct Tap {
        std::size_t low, high;
        float part;
    };
    std::vector<Tap> taps(static_cast<std::size_t>(size));
    for (int i = 0; i < size; ++i) {
        const float at = std::clamp((static_cast<float>(i) + 0.5F) * step - 0.5F, 0.0F, static_cast<float>(last));
        const int low = static_cast<int>(at);
        taps[static_cast<std::size_t>(i)] = {static_cast<std::size_t>(low), static_cast<std::size_t>(std::min(low + 1, last)),
                                             at - static_cast<float>(low)};
    }
    const auto cols = static_cast<std::size_t>(image.cols);
    std::vector<float> line(cols * 3);
    std::uint8_t* to = out.pixels.data();
    for (const Tap& row : taps) {
        const std::uint8_t* above = image.pixels.data() + row.low * cols * 3;
        const std::uint8_t* below = image.pixels.data() + row.high * cols * 3;
        for (std::size_t i = 0; i < line.size(); ++i) {
            const auto a = static_cast<float>(above[i]), b = static_cast<float>(below[i]);
            line[i] = a + row.part * (b - a);
        }
        for (const Tap& col : taps) {
            for (std::size_t channel = 0; channel < 3; ++channel) {
                const float a = line[3 * col.low + channel], b = line[3 * col.high + channel];
                *to++ = static_cast<std::uint8_t>(a + col.part * (b - a) + 0.5F);
            }
        }
    }
    return out;
}

}  // namespace fairsweep::faces
