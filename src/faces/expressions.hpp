#pragma once
/// Faces with expressions: what the task "classification" is shown on. A class is drawn through the conditions of a picture; who
/// is on it says nothing about it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "faces/conditions.hpp"
#include "faces/groups.hpp"
#include "faces/sets.hpp"

namespace fairsweep::faces {

/// Where the conditions of a class centre when it is shown in full.
struct Expression {
    const char* name;
    double smile, mouth_open, brow_raise, eye_closing;
};
inline constexpr std::array<Expression, 4> kExpressions{{
    {"neutral", 0.0, 0.0, 0.0, 0.10},
    {"happy", 1.3, 0.25, 0.1, 0.20},
    {"surprised", 0.0, 1.0, 1.6, 0.0},
    {"sleepy", -0.3, 0.0, -0.6, 0.85},
}};

/// Folders of the two sets, and names for their people: nobody is in both.
inline constexpr std::array<const char*, 2> kExpressionSets{"expressions/train", "expressions/test"};

/// A picture as shoot() takes it, aligned, but with the expression kExpressions[expression] in place of the one it drew: anything
/// from a third of it to all of it, so that weak ones of different classes look alike.
[[nodiscard]] Shot shoot_expression(const Group& group, const ImageKey& key, std::size_t expression, std::uint64_t seed);

/// A data set of format manifest: folder/manifest.csv (path, class, group, person, and lamp: the side that the light comes from)
/// and folder/images. `people` of each group, each with one image of every class.
void write_expression_set(const std::filesystem::path& folder, const std::string& set, const std::vector<Group>& groups,
                          std::uint32_t people, std::uint64_t seed, unsigned threads, const ImageCount& on_images);

}  // namespace fairsweep::faces
