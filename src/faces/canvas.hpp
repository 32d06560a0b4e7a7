#pragma once
/// A float picture and the one way to draw on it: fill an implicit shape, anti-aliased, over what is there.
/// Everything is inlined into loops over a row without branches, so that the compiler vectorises them.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "faces/conditions.hpp"
#include "faces/geometry.hpp"

namespace fairsweep::faces {

/// Planes of [rows, cols] floats, values about [0, 1].
struct Canvas {
    explicit Canvas(int side)
        : size(side), red(static_cast<std::size_t>(side) * static_cast<std::size_t>(side)), green(red.size()), blue(red.size()) {}
    int size;
    std::vector<float> red, green, blue;
};

// Plain comparisons: they compile to one instruction each, std::min's references hinder the vectoriser.
inline float lower(float a, float b) { return a < b ? a : b; }
inline float higher(float a, float b) { return a > b ? a : b; }
inline float magnitude(float a) { return higher(a, -a); }
inline float clamp01(float a) { return lower(higher(a, 0.0F), 1.0F); }
inline float square_of(float a) { return a * a; }

/// The part of local coordinates that a shape can touch.
struct Extent {
    float left, top, right, bottom;
};

struct Brush {
    float opacity = 1.0F;
    float softness = 0.0F;  ///< width of the edge in local units, on top of the pixel that anti-aliasing needs
};

struct PixelBox {
    int left, top, right, bottom;
};

/// The pixels that an extent of local coordinates covers.
[[nodiscard]] PixelBox pixels_of(const Extent& extent, const Affine& local_to_pixel, int size);

/// Fills shape(u, v) < 0, where (u, v) are local coordinates. The shape is any function with that sign whose gradient is
/// not zero at the edge: distance in pixels is value / |gradient|. `paint(u, v, under)` gives the colour.
template <class Shape, class Paint>
void fill(Canvas& canvas, const Affine& local_to_pixel, const Extent& extent, Brush brush, Shape shape, Paint paint) {
    const PixelBox box = pixels_of(extent, local_to_pixel, canvas.size);
    const Affine map = inverse(local_to_pixel);
    constexpr float kStep = 0.5F;  // pixels, for the gradient
    const float pixels_per_unit =
        std::sqrt(std::abs(local_to_pixel.ux * local_to_pixel.vy - local_to_pixel.uy * local_to_pixel.vx));
    const float edge_px = 1.0F + brush.softness * pixels_per_unit;
    const float opacity = brush.opacity;
    for (int row = box.top; row < box.bottom; ++row) {
        const std::size_t begin = static_cast<std::size_t>(row) * static_cast<std::size_t>(canvas.size);
        float* __restrict red = canvas.red.data() + begin;
        float* __restrict green = canvas.green.data() + begin;
        float* __restrict blue = canvas.blue.data() + begin;
        const float y = static_cast<float>(row);
        const float u_row = map.uy * y + map.u0, v_row = map.vy * y + map.v0;
        for (int col = box.left; col < box.right; ++col) {
            const float x = static_cast<float>(col);
            const float u = map.ux * x + u_row, v = map.vx * x + v_row;
            const float value = shape(u, v);
            const float dx = shape(u + kStep * map.ux, v + kStep * map.vx) - value;
            const float dy = shape(u + kStep * map.uy, v + kStep * map.vy) - value;
            const float slope = std::sqrt(dx * dx + dy * dy) * (1.0F / kStep) + 1e-6F;
            const float cover = opacity * clamp01(0.5F - value / (slope * edge_px));
            const Colour under{red[col], green[col], blue[col]};
            const Colour over = paint(u, v, under);
            red[col] = under.red + cover * (over.red - under.red);
            green[col] = under.green + cover * (over.green - under.green);
            blue[col] = under.blue + cover * (over.blue - under.blue);
        }
    }
}

/// Paint of one colour.
inline auto flat(Colour colour) {
    return [colour](float, float, Colour) { return colour; };
}

/// Paint that darkens (below 1) or lightens what is there.
inline auto shade(float factor) {
    return [factor](float, float, Colour under) { return Colour{under.red * factor, under.green * factor, under.blue * factor}; };
}

/// (u/a)^2 + (v/b)^2 < 1.
inline auto ellipse(float a, float b) {
    const float x = 1.0F / a, y = 1.0F / b;
    return [x, y](float u, float v) { return square_of(u * x) + square_of(v * y) - 1.0F; };
}

}  // namespace fairsweep::faces
