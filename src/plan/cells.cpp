#include "plan/cells.hpp"

#include <algorithm>
#include <optional>

#include "fairsweep/error.hpp"
#include "words/pruning_words.hpp"

namespace fairsweep {
namespace {

/// The values of the axis, each said in the one way that points have it.
std::vector<std::string> pruning_texts(const Sweep& sweep) {
    std::vector<std::string> texts;
    for (const std::string& value : sweep.prunings) {
        const std::optional<Recipe> recipe = with_pruning_words(sweep.recipe, value);
        if (!recipe) {
            throw_usage({.attempted = "cannot prune like that",
                         .where = "axes.pruning",
                         .found = "'" + value + "'",
                         .expected = "words such as global, layer, 2:4, channels, cubic, prune-first",
                         .hint = {}});
        }
        texts.push_back(pruning_text(*recipe));
    }
    return texts;
}

}  // namespace

bool has_arm(const Sweep& sweep, Arm arm) { return std::find(sweep.arms.begin(), sweep.arms.end(), arm) != sweep.arms.end(); }

std::vector<Cell> cells_of(const Sweep& sweep) {
    const bool axes_have_sham =
        std::any_of(sweep.bits.begin(), sweep.bits.end(), [](const Bits& bits) { return bits.is_float(); }) &&
        std::find(sweep.sparsities.begin(), sweep.sparsities.end(), 0.0) != sweep.sparsities.end();
    std::vector<Cell> cells;
    if (!axes_have_sham && has_arm(sweep, Arm::sham)) cells.emplace_back();
    for (const double sparsity : sweep.sparsities) {
        for (const std::string& pruning : sparsity == 0.0 ? std::vector<std::string>{"none"} : pruning_texts(sweep)) {
            for (const Bits& bits : sweep.bits) {
                const Cell cell{bits, sparsity, pruning};
                if (has_arm(sweep, cell.arm())) cells.push_back(cell);
            }
        }
    }
    return cells;
}

}  // namespace fairsweep
