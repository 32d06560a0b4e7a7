#pragma once
/// What of a point's stages is recipe: the parameters without the axes, the data and the seed. Recipes tell points apart whose
/// axes are equal, and find a compressed point's sham twin.
#include <string>
#include <vector>

#include "fairsweep/plan.hpp"

namespace fairsweep {

/// The recipe of a part that a point has not: a baseline's fine-tune, a sham's compression.
inline constexpr const char* kNoRecipe = "none";

/// 12 hex digits each, or kNoRecipe.
struct Recipes {
    std::string baseline = kNoRecipe;
    /// Of the sham twin, whatever the point's arm: equal in a compressed point and its sham by construction, since keys that
    /// act only where something is compressed have no place in a sham's parameters.
    std::string finetune = kNoRecipe;
    /// What the point's own stage has beyond its twin's: the keys of its quantisers, and in a chain the widths and quantisers of
    /// its teachers. How it is pruned is the axis `pruning` and not repeated here.
    std::string compression = kNoRecipe;
    auto operator<=>(const Recipes&) const = default;
};

/// `network` is the stage whose checkpoint a point evaluates. Parameters that this version cannot read (a store of another
/// version) are compared as they are, without the axes: never taken for equal when they are not.
[[nodiscard]] Recipes recipes_of(const Plan& plan, const Stage& network);

/// The values of a point of `plan` among the axes of several plans. `places`: where each axis of `plan` stands in `axes`
/// (unite_axes). An axis that `plan` has not is a key of the recipe: the point has the value that its stages were made with, or
/// nothing where none of them depends on it.
[[nodiscard]] AxisValues axes_among(const std::vector<AxisInfo>& axes, const std::vector<std::size_t>& places, const Plan& plan,
                                    const Point& point);

}  // namespace fairsweep
