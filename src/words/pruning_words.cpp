#include "words/pruning_words.hpp"

#include <algorithm>
#include <cstddef>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

const PruningKey* key_of(std::string_view word) {
    for (const PruningKey& key : pruning_keys())
        if (std::find(key.words.begin(), key.words.end(), word) != key.words.end()) return &key;
    return nullptr;
}

}  // namespace

const std::vector<PruningKey>& pruning_keys() {
    static const std::vector<PruningKey> keys{
        {"sparsity_pattern", &Recipe::sparsity_pattern, {"unstructured", "2:4", "channels"}},
        {"sparsity_scope", &Recipe::sparsity_scope, {"global", "layer"}},
        {"sparsity_schedule", &Recipe::sparsity_schedule, {"one-shot", "cubic"}},
        {"order", &Recipe::order, {"together", "prune-first", "quantise-first"}}};
    return keys;
}

std::optional<Recipe> with_pruning_words(const Recipe& recipe, std::string_view value) {
    Recipe result = recipe;
    if (value == "recipe") return result;
    std::vector<const PruningKey*> set;
    for (std::size_t begin = 0; begin <= value.size();) {
        const std::size_t end = std::min(value.find('+', begin), value.size());
        const std::string_view word = value.substr(begin, end - begin);
        const PruningKey* key = key_of(word);
        if (key == nullptr || std::find(set.begin(), set.end(), key) != set.end()) return std::nullopt;
        set.push_back(key);
        result.*(key->field) = std::string(word);
        begin = end + 1;
    }
    return result;
}

std::string pruning_text(const Recipe& recipe) {
    const Recipe defaults;
    std::string text;
    for (const PruningKey& key : pruning_keys())
        if (recipe.*(key.field) != defaults.*(key.field)) text += (text.empty() ? "" : "+") + recipe.*(key.field);
    return text.empty() ? defaults.sparsity_scope : text;
}

Recipe with_pruning_text(const Recipe& recipe, const std::string& text) {
    const Recipe defaults;
    Recipe result = recipe;
    for (const PruningKey& key : pruning_keys()) result.*(key.field) = defaults.*(key.field);
    return with_pruning_words(result, text).value();
}

void check_pruning(const Recipe& recipe, double sparsity, const std::string& where) {
    if (recipe.sparsity_pattern != "2:4") return;
    if (sparsity == 0.5 && recipe.sparsity_schedule == "one-shot") return;
    throw_usage({.attempted = "cannot prune like that",
                 .where = where,
                 .found = "pattern 2:4, sparsity " + exact_number(sparsity) + ", " + recipe.sparsity_schedule,
                 .expected = "sparsity 0.5, one-shot: two of every four weights are zero, or none",
                 .hint = "leave such cells out: exclude = pruning == 2:4 and sparsity != 0.5"});
}

}  // namespace fairsweep
