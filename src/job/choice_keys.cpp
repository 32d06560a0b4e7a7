#include "job/choice_keys.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "job/values.hpp"
#include "plan/pruning_words.hpp"

namespace fairsweep {
namespace {

struct ChoiceKey {
    const char* name;
    std::string Recipe::*field;
    std::vector<std::string> words;
};

const std::vector<ChoiceKey>& choice_keys() {
    static const std::vector<ChoiceKey> keys = [] {
        std::vector<ChoiceKey> list{
            {"margin_loss", &Recipe::margin_loss, {"arcface", "cosface", "elastic-arcface", "elastic-cosface"}},
            {"baseline_schedule", &Recipe::baseline_schedule, {"steps", "cosine"}},
            {"precision", &Recipe::precision, {"fp32", "bf16"}},
            {"finetune_schedule", &Recipe::finetune_schedule, {"constant", "last-epoch", "cosine"}}};
        for (const PruningKey& key : pruning_keys()) list.push_back({key.name, key.field, key.words});
        return list;
    }();
    return keys;
}

void read_milestones(const JobEntries& entries, Recipe& recipe) {
    const JobEntry* entry = entries.find("recipe", "baseline_milestones");
    if (entry == nullptr) return;
    constexpr std::int64_t kLastEpoch = 10000;
    recipe.baseline_milestones = list_of<int>(*entry, "epochs from 1 to 10000", [](const std::string& text) {
        const auto value = parse_integer(text);
        const bool is_valid = value && *value >= 1 && *value <= kLastEpoch;
        return is_valid ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
    });
    if (!std::is_sorted(recipe.baseline_milestones.begin(), recipe.baseline_milestones.end()))
        refuse_value(*entry, "'" + entry->value + "'", "epochs in rising order");
}

}  // namespace

std::vector<std::string> choice_key_names() {
    std::vector<std::string> names{"baseline_milestones"};
    for (const ChoiceKey& key : choice_keys()) names.emplace_back(key.name);
    return names;
}

void read_choices(const JobEntries& entries, Recipe& recipe) {
    for (const ChoiceKey& key : choice_keys()) {
        const JobEntry* entry = entries.find("recipe", key.name);
        if (entry == nullptr) continue;
        if (std::find(key.words.begin(), key.words.end(), entry->value) == key.words.end()) {
            std::string expected;
            for (const std::string& word : key.words) expected += (expected.empty() ? "" : ", ") + word;
            refuse_value(*entry, entry->value.empty() ? "nothing" : "'" + entry->value + "'", "one of " + expected,
                         suggestion(entry->value, key.words));
        }
        recipe.*(key.field) = entry->value;
    }
    read_milestones(entries, recipe);
}

void set_modern_training(Recipe& recipe) {
    recipe.baseline_schedule = "cosine";
    recipe.baseline_lr_warmup_fraction = 0.1;
    recipe.baseline_nesterov = true;
    recipe.finetune_schedule = "cosine";
}

}  // namespace fairsweep
