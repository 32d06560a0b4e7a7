#include "job/recipe_keys.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "fairsweep/text.hpp"
#include "job/values.hpp"
#include "plan/pruning_words.hpp"

namespace fairsweep {
namespace {

RecipeKey one_of(const char* name, std::string Recipe::*field, std::vector<std::string> words) {
    return {.name = name, .field = field, .low = 0, .high = 0, .bounds = Bounds::closed, .words = std::move(words)};
}

constexpr int kAllSteps = 10000000;

std::string limit_text(double limit) {
    const auto whole = static_cast<long long>(limit);  // limits are small: "10000000", not "1e+07"
    return static_cast<double>(whole) == limit ? std::to_string(whole) : exact_number(limit);
}

std::string range_text(const RecipeKey& key, const char* kind) {
    const char* left = key.bounds == Bounds::open_below ? "above " : "from ";
    const char* right = key.bounds == Bounds::open_above ? " to below " : " to ";
    return std::string(kind) + left + limit_text(key.low) + right + limit_text(key.high);
}

bool is_inside(const RecipeKey& key, double value) {
    const bool above = key.bounds == Bounds::open_below ? value > key.low : value >= key.low;
    const bool below = key.bounds == Bounds::open_above ? value < key.high : value <= key.high;
    return above && below;
}

struct SetField {
    Recipe& recipe;
    const RecipeKey& key;
    const JobEntry& entry;

    void operator()(int Recipe::*field) const {
        const auto value = parse_integer(entry.value);
        if (!value || !is_inside(key, static_cast<double>(*value))) refuse("a whole number ");
        recipe.*field = static_cast<int>(*value);
    }
    void operator()(double Recipe::*field) const {
        const auto value = parse_number(entry.value);
        if (!value || !is_inside(key, *value)) refuse("a number ");
        recipe.*field = *value;
    }
    void operator()(bool Recipe::*field) const {
        const auto value = parse_switch(entry.value);
        if (!value) refuse_value(entry, "'" + entry.value + "'", "true or false");
        recipe.*field = *value;
    }
    void operator()(std::string Recipe::*field) const {
        if (std::find(key.words.begin(), key.words.end(), entry.value) == key.words.end()) {
            std::string known;
            for (const std::string& word : key.words) known += (known.empty() ? "" : ", ") + word;
            refuse_value(entry, entry.value.empty() ? "nothing" : "'" + entry.value + "'", "one of " + known,
                         suggestion(entry.value, key.words));
        }
        recipe.*field = entry.value;
    }
    [[noreturn]] void refuse(const char* kind) const {
        refuse_value(entry, entry.value.empty() ? "nothing" : "'" + entry.value + "'", range_text(key, kind));
    }
};

void read_preset(const JobEntries& entries, Recipe& recipe) {
    const JobEntry* entry = entries.find("recipe", "preset");
    if (entry == nullptr) return;
    const std::vector<std::string>& known = preset_names();
    if (std::find(known.begin(), known.end(), entry->value) == known.end())
        refuse_value(*entry, "'" + entry->value + "'", "quantface or modern", suggestion(entry->value, known));
    recipe.preset = entry->value;
    if (recipe.preset != "modern") return;
    recipe.dropout = 0.0;
    recipe.observer_steps = kAllSteps;
    recipe.baseline_schedule = "cosine";
    recipe.baseline_lr_warmup_fraction = 0.1;
    recipe.baseline_nesterov = true;
    recipe.finetune_schedule = "cosine";
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

void read_key(const JobEntries& entries, const RecipeKey& key, Recipe& recipe) {
    if (const JobEntry* entry = entries.find("recipe", key.name)) std::visit(SetField{recipe, key, *entry}, key.field);
}

void read_modern_keys(const JobEntries& entries, Recipe& recipe) {
    for (const RecipeKey& key : modern_keys()) {
        const JobEntry* entry = entries.find("recipe", key.name);
        if (entry != nullptr && recipe.preset != "modern")
            refuse_value(*entry, "'" + std::string(key.name) + "' with preset " + recipe.preset, "preset = modern",
                         "the preset quantface is fixed: it computes what the reference does");
        read_key(entries, key, recipe);
    }
}

void check_shards(const JobEntries& entries, const Recipe& recipe) {
    const JobEntry* entry = entries.find("recipe", "shards");
    if (entry != nullptr && recipe.shards != 1) {
        refuse_value(*entry, std::to_string(recipe.shards), "1",
                     "cutting a batch into parts comes with teams and is not available yet");
    }
}

}  // namespace

const std::vector<std::string>& preset_names() {
    static const std::vector<std::string> names{"quantface", "modern"};
    return names;
}

// Batches of at least two: BatchNorm has no variance over one sample.
const std::vector<RecipeKey>& common_keys() {
    static const std::vector<RecipeKey> all = [] {
        std::vector<RecipeKey> list{
            {"baseline_epochs", &Recipe::baseline_epochs, 1, 10000},
            {"baseline_batch_samples", &Recipe::baseline_batch_samples, 2, 65536},
            {"baseline_lr", &Recipe::baseline_lr, 0, 100, Bounds::open_below},
            {"baseline_lr_warmup_fraction", &Recipe::baseline_lr_warmup_fraction, 0, 1},
            {"baseline_nesterov", &Recipe::baseline_nesterov},
            one_of("baseline_schedule", &Recipe::baseline_schedule, {"steps", "cosine"}),
            one_of("margin_loss", &Recipe::margin_loss, {"arcface", "cosface", "elastic-arcface", "elastic-cosface"}),
            {"margin_scale", &Recipe::margin_scale, 0, 1000, Bounds::open_below},
            {"margin_rad", &Recipe::margin_rad, 0, 1.5},
            {"margin_std", &Recipe::margin_std, 0, 1},
            {"margin_warmup_fraction", &Recipe::margin_warmup_fraction, 0, 1},
            {"finetune_steps", &Recipe::finetune_steps, 1, 10000000},
            {"finetune_batch_samples", &Recipe::finetune_batch_samples, 2, 65536},
            {"finetune_lr", &Recipe::finetune_lr, 0, 100, Bounds::open_below},
            one_of("finetune_schedule", &Recipe::finetune_schedule, {"constant", "last-epoch", "cosine"}),
            {"embedding_loss_scale", &Recipe::embedding_loss_scale, 0, 1e6, Bounds::open_below},
            {"observer_steps", &Recipe::observer_steps, 1, kAllSteps},
            {"dropout", &Recipe::dropout, 0, 1, Bounds::open_above},
            {"momentum", &Recipe::momentum, 0, 1, Bounds::open_above},
            {"weight_decay", &Recipe::weight_decay, 0, 1},
            {"clip_norm", &Recipe::clip_norm, 0, 1e6, Bounds::open_below},
            {"flip", &Recipe::flip},
            one_of("precision", &Recipe::precision, {"fp32", "bf16"}),
            {"threads_per_stage", &Recipe::threads_per_stage, 1, 256},
            {"shards", &Recipe::shards, 1, 1024},
        };
        for (const PruningKey& key : pruning_keys()) list.push_back(one_of(key.name, key.field, key.words));
        return list;
    }();
    return all;
}

const std::vector<RecipeKey>& modern_keys() {
    static const std::vector<RecipeKey> all{
        one_of("weight_grid", &Recipe::weight_grid, {"symmetric", "asymmetric"}),
        one_of("weight_granularity", &Recipe::weight_granularity, {"channel", "tensor"}),
        one_of("weight_range", &Recipe::weight_range, {"learned", "minmax", "percentile", "mse"}),
        one_of("activation_grid", &Recipe::activation_grid, {"symmetric", "asymmetric"}),
        one_of("activation_range", &Recipe::activation_range, {"moving-average", "minmax", "percentile", "mse", "learned"}),
        {"range_averaging", &Recipe::range_averaging, 0, 1, Bounds::open_below},
        {"range_percentile", &Recipe::range_percentile, 0.5, 1, Bounds::open_below},
        {"edge_bits", &Recipe::edge_bits, 2, 16},
        {"slope_bits", &Recipe::slope_bits, 2, 16},
        one_of("batch_norm", &Recipe::batch_norm, {"frozen", "live", "folded"}),
        {"batch_norm_live_fraction", &Recipe::batch_norm_live_fraction, 0, 1},
    };
    return all;
}

const std::vector<std::string>& recipe_key_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list{"preset", "baseline_milestones"};
        for (const RecipeKey& key : common_keys()) list.emplace_back(key.name);
        for (const RecipeKey& key : modern_keys()) list.emplace_back(key.name);
        return list;
    }();
    return names;
}

Recipe read_recipe(const JobEntries& entries) {
    Recipe recipe;
    read_preset(entries, recipe);
    for (const RecipeKey& key : common_keys()) read_key(entries, key, recipe);
    read_modern_keys(entries, recipe);
    read_milestones(entries, recipe);
    check_shards(entries, recipe);
    return recipe;
}

}  // namespace fairsweep
