#pragma once
/// Values of the axis `pruning`: "recipe" (as the recipe's keys say), or words joined by '+', each of which sets one of
/// these keys for the point: "2:4", "layer+cubic", "channels+prune-first".
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fairsweep/sweep.hpp"

namespace fairsweep {

/// One of the recipe's keys that say how to prune, with the words it may have; no word belongs to two keys.
struct PruningKey {
    const char* name;
    std::string Recipe::*field;
    std::vector<std::string> words;
};
[[nodiscard]] const std::vector<PruningKey>& pruning_keys();

/// The recipe with the value's words; nothing when a word is unknown or two words are for one key.
[[nodiscard]] std::optional<Recipe> with_pruning_words(const Recipe& recipe, std::string_view value);

/// How the recipe prunes, as points say it: the words that are not the defaults, in the order of pruning_keys(), joined by
/// '+'; "global" when all are. One way of pruning has one text.
[[nodiscard]] std::string pruning_text(const Recipe& recipe);

/// The recipe with the four keys as pruning_text() said them.
[[nodiscard]] Recipe with_pruning_text(const Recipe& recipe, const std::string& text);

/// Throws a usage Error when a network cannot be pruned like that: 2:4 is sparsity 0.5 in one shot. `where` names the point.
void check_pruning(const Recipe& recipe, double sparsity, const std::string& where);

}  // namespace fairsweep
