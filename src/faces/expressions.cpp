#include "faces/expressions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data/jpeg.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/hash.hpp"
#include "faces/parallel.hpp"

namespace fairsweep::faces {
namespace {

namespace fs = std::filesystem;

constexpr double kWeakest = 0.35;  // share of an expression that is shown at least

std::string image_name(const Group& group, std::uint32_t person, const Expression& expression) {
    return fmt::format("images/{}-{:05}-{}.jpg", group.name, person + 1, expression.name);
}

}  // namespace

Shot shoot_expression(const Group& group, const ImageKey& key, std::size_t expression, std::uint64_t seed) {
    Shot shot = shoot(group, key, Framing::aligned, seed);
    const Expression& target = kExpressions[expression];
    RandomStream stream(seed, sha256(key.set + "/" + group.name).prefix(), "expression",
                        std::uint64_t{key.identity} << 32U | key.image);
    const double strength = stream.uniform(kWeakest, 1.0);
    const auto drawn = [&](double centre, double spread, double low, double high) {
        const double deviation = spread * std::clamp(stream.normal(), -2.5, 2.5);
        return static_cast<float>(std::clamp(strength * centre + deviation, low, high));
    };
    shot.conditions.smile = drawn(target.smile, 0.20, -1.0, 1.6);
    shot.conditions.mouth_open = drawn(target.mouth_open, 0.10, 0.0, 1.2);
    shot.conditions.brow_raise = drawn(target.brow_raise, 0.25, -1.2, 2.0);
    shot.conditions.eye_closing = drawn(target.eye_closing, 0.08, 0.0, 0.9);
    return shot;
}

void write_expression_set(const fs::path& folder, const std::string& set, const std::vector<Group>& groups, std::uint32_t people,
                          std::uint64_t seed, unsigned threads, const ImageCount& on_images) {
    make_writable_folder(folder / "images");
    constexpr std::uint64_t kClasses = kExpressions.size();
    const std::uint64_t images = groups.size() * kClasses * people;
    struct Place {
        const Group& group;
        std::uint32_t person;
        std::size_t expression;
    };
    const auto place_of = [&](std::uint64_t i) {
        const std::uint64_t person = i / kClasses;
        return Place{groups[person / people], static_cast<std::uint32_t>(person % people),
                     static_cast<std::size_t>(i % kClasses)};
    };
    std::vector<char> lamp_is_right(images);
    const auto make = [&](std::uint64_t i) {
        const auto [group, person, expression] = place_of(i);
        const Shot shot = shoot_expression(group, {set, person, static_cast<std::uint32_t>(expression)}, expression, seed);
        lamp_is_right[i] = shot.conditions.light_x > 0.0F ? 1 : 0;
        return encode_jpeg(render_face(shot.identity, shot.conditions, kAlignedSize).image, shot.conditions.jpeg_quality);
    };
    std::string lines = "path,class,group,person,lamp\n";
    make_in_order(images, threads, make, [&](std::uint64_t i, const std::vector<std::byte>& jpeg) {
        const auto [group, person, expression] = place_of(i);
        const std::string name = image_name(group, person, kExpressions[expression]);
        File file = File::create(folder / name);
        file.append(jpeg);
        file.close();
        lines += fmt::format("{},{},{},{}{:05},{}\n", name, kExpressions[expression].name, group.name, group.name, person + 1,
                             lamp_is_right[i] != 0 ? "right" : "left");
        on_images(1);
    });
    write_file_atomically(folder / "manifest.csv", lines);
}

}  // namespace fairsweep::faces
