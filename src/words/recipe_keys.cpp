#include "words/recipe_keys.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"
#include "words/program_command.hpp"
#include "words/pruning_words.hpp"
#include "words/value_text.hpp"

namespace fairsweep {
namespace {

using Ends = RecipeKey::Ends;
using P = StageParameters;

constexpr int kAllSteps = 10000000;
constexpr int kLastEpoch = 10000;

bool in_baseline(const P& p) { return p.kind == StageKind::baseline; }
// Margins are of identities; other tasks have a loss of their own.
bool has_margin(const P& p) { return in_baseline(p) && p.task == P{}.task; }
bool in_compression(const P& p) { return p.kind == StageKind::compression; }
bool in_training(const P& p) { return in_baseline(p) || in_compression(p); }
bool in_networks(const P& p) { return p.kind != StageKind::prepare; }
// The shards of a batch: where one image is timed there are none.
bool in_batches(const P& p) { return in_networks(p) && p.kind != StageKind::latency; }
// What acts on quantised or pruned networks only is no part of a network that is neither: the sham arm must not split by it.
bool in_quantised(const P& p) { return in_compression(p) && !p.bits.is_float(); }
bool in_pruned(const P& p) { return in_compression(p) && p.sparsity != 0.0; }
bool in_modern(const P& p) { return in_compression(p) && p.recipe.preset == "modern"; }
bool in_modern_quantised(const P& p) { return in_modern(p) && !p.bits.is_float(); }
bool in_modern_weights(const P& p) { return in_modern_quantised(p) && p.bits.weight != 32; }
bool in_modern_activations(const P& p) { return in_modern_quantised(p) && p.bits.activation != 32; }

RecipeKey word(const char* name, std::string Recipe::*field, bool (*applies)(const P&), std::vector<std::string> words) {
    return {.name = name, .field = field, .applies = applies, .words = std::move(words)};
}

RecipeKey later(RecipeKey key) {
    key.came_later = true;
    return key;
}

RecipeKey of_modern(RecipeKey key) {
    key.is_modern = true;
    return key;
}

std::vector<RecipeKey> pruning_rows() {
    std::vector<RecipeKey> rows;
    for (const PruningKey& key : pruning_keys()) rows.push_back(word(key.name, key.field, in_pruned, key.words));
    // The order of pruning and quantising exists where there are both.
    std::find_if(rows.begin(), rows.end(), [](const RecipeKey& row) { return row.name == std::string_view("order"); })->applies =
        [](const P& p) { return in_pruned(p) && in_quantised(p); };
    return rows;
}

// Batches of at least two: BatchNorm has no variance over one sample.
std::vector<RecipeKey> make_keys() {
    std::vector<RecipeKey> rows{
        word("preset", &Recipe::preset, in_training, {"quantface", "modern"}),
        {"baseline_epochs", &Recipe::baseline_epochs, in_baseline, 1, kLastEpoch},
        {"baseline_batch_samples", &Recipe::baseline_batch_samples, in_baseline, 2, 65536},
        {"baseline_lr", &Recipe::baseline_lr, in_baseline, 0, 100, Ends::open_below},
        {"baseline_lr_warmup_fraction", &Recipe::baseline_lr_warmup_fraction, in_baseline, 0, 1},
        word("baseline_schedule", &Recipe::baseline_schedule, in_baseline, {"steps", "cosine"}),
        {"baseline_milestones", &Recipe::baseline_milestones,
         [](const P& p) { return in_baseline(p) && p.recipe.baseline_schedule == "steps"; }, 1, kLastEpoch},
        {"baseline_nesterov", &Recipe::baseline_nesterov, in_baseline},
        word("margin_loss", &Recipe::margin_loss, has_margin, {"arcface", "cosface", "elastic-arcface", "elastic-cosface"}),
        {"margin_scale", &Recipe::margin_scale, has_margin, 0, 1000, Ends::open_below},
        {"margin_rad", &Recipe::margin_rad, has_margin, 0, 1.5},
        {"margin_std", &Recipe::margin_std, [](const P& p) { return has_margin(p) && is_elastic_margin(p.recipe.margin_loss); },
         0, 1},
        {"margin_warmup_fraction", &Recipe::margin_warmup_fraction, has_margin, 0, 1},
        later(word("head", &Recipe::head, has_margin, {"whole", "sharded"})),
        later({"head_sampling", &Recipe::head_sampling, [](const P& p) { return has_margin(p) && p.recipe.head == "sharded"; }, 0, 1,
               Ends::open_below}),
        later(word("augmentation", &Recipe::augmentation, in_baseline, {"none", "light", "strong"})),
        later(word("baseline_precision", &Recipe::baseline_precision, in_baseline, {"fp32", "bf16", "tf32"})),
        {"finetune_steps", &Recipe::finetune_steps, in_compression, 1, kAllSteps},
        {"finetune_batch_samples", &Recipe::finetune_batch_samples, in_compression, 2, 65536},
        {"finetune_lr", &Recipe::finetune_lr, in_compression, 0, 100, Ends::open_below},
        word("finetune_schedule", &Recipe::finetune_schedule, in_compression, {"constant", "last-epoch", "cosine"}),
        {"embedding_loss_scale", &Recipe::embedding_loss_scale, in_compression, 0, 1e6, Ends::open_below},
        {"observer_steps", &Recipe::observer_steps, in_quantised, 1, kAllSteps},
        {"dropout", &Recipe::dropout, in_compression, 0, 1, Ends::open_above},
        {"momentum", &Recipe::momentum, in_training, 0, 1, Ends::open_above},
        {"weight_decay", &Recipe::weight_decay, in_training, 0, 1},
        {"clip_norm", &Recipe::clip_norm, in_training, 0, 1e6, Ends::open_below},
        {"flip", &Recipe::flip, [](const P& p) { return in_training(p) || p.kind == StageKind::teacher; }},
        word("precision", &Recipe::precision, in_compression, {"fp32", "bf16", "tf32"}),
        // Which programs there are the job says. Stages of programs have their commands instead; for ours it is "none".
        later(word("program", &Recipe::program, in_compression, {})),
        {"threads_per_stage", &Recipe::threads_per_stage, in_networks, 1, 256},
        {"shards", &Recipe::shards, in_batches, 1, 1024},
        later(word("device", &Recipe::device, in_batches, {"cpu", "cuda"})),
    };
    for (RecipeKey& row : pruning_rows()) rows.push_back(std::move(row));
    for (RecipeKey& row : std::vector<RecipeKey>{
             word("weight_grid", &Recipe::weight_grid, in_modern_weights, {"symmetric", "asymmetric"}),
             word("weight_granularity", &Recipe::weight_granularity, in_modern_weights, {"channel", "tensor"}),
             word("weight_range", &Recipe::weight_range, in_modern_weights, {"learned", "minmax", "percentile", "mse"}),
             word("activation_grid", &Recipe::activation_grid, in_modern_activations, {"symmetric", "asymmetric"}),
             word("activation_range", &Recipe::activation_range, in_modern_activations,
                  {"moving-average", "minmax", "percentile", "mse", "learned"}),
             {"range_averaging", &Recipe::range_averaging, in_modern_activations, 0, 1, Ends::open_below},
             {"range_percentile", &Recipe::range_percentile, in_modern_quantised, 0.5, 1, Ends::open_below},
             {"edge_bits", &Recipe::edge_bits, in_modern_weights, 2, 16},
             {"slope_bits", &Recipe::slope_bits, in_modern_activations, 2, 16},
             word("batch_norm", &Recipe::batch_norm, in_modern, {"frozen", "live", "folded"}),
             {"batch_norm_live_fraction", &Recipe::batch_norm_live_fraction,
              [](const P& p) { return in_modern(p) && p.recipe.batch_norm == "frozen"; }, 0, 1},
         })
        rows.push_back(of_modern(std::move(row)));
    return rows;
}

std::string limit_text(double limit) {
    const auto whole = static_cast<long long>(limit);  // limits are small: "10000000", not "1e+07"
    return static_cast<double>(whole) == limit ? std::to_string(whole) : exact_number(limit);
}

std::string range_text(const RecipeKey& key, const char* kind) {
    const char* left = key.ends == Ends::open_below ? "above " : "from ";
    const char* right = key.ends == Ends::open_above ? " to below " : " to ";
    return std::string(kind) + left + limit_text(key.low) + right + limit_text(key.high);
}

bool is_inside(const RecipeKey& key, double value) {
    const bool above = key.ends == Ends::open_below ? value > key.low : value >= key.low;
    const bool below = key.ends == Ends::open_above ? value < key.high : value <= key.high;
    return above && below;
}

struct SetField {
    Recipe& recipe;
    const RecipeKey& key;
    const std::string& text;
    using Expected = std::optional<std::string>;

    Expected operator()(int Recipe::*field) const {
        const auto value = parse_integer(text);
        if (!value || !is_inside(key, static_cast<double>(*value))) return range_text(key, "a whole number ");
        recipe.*field = static_cast<int>(*value);
        return std::nullopt;
    }
    Expected operator()(double Recipe::*field) const {
        const auto value = parse_number(text);
        if (!value || !is_inside(key, *value)) return range_text(key, "a number ");
        recipe.*field = *value + 0.0;  // "-0" has another text and so another id
        return std::nullopt;
    }
    Expected operator()(bool Recipe::*field) const {
        const auto value = parse_switch(text);
        if (!value) return "true or false";
        recipe.*field = *value;
        return std::nullopt;
    }
    Expected operator()(std::string Recipe::*field) const {
        if (key.words.empty() && text.empty()) return "a name";
        if (!key.words.empty() && std::find(key.words.begin(), key.words.end(), text) == key.words.end()) {
            std::string known;
            for (const std::string& one : key.words) known += (known.empty() ? "" : ", ") + one;
            return "one of " + known;
        }
        recipe.*field = text;
        return std::nullopt;
    }
    Expected operator()(std::vector<int> Recipe::*field) const {
        std::vector<int> values;
        for (const std::string& part : split(text, ',')) {
            const auto value = parse_integer(part);
            if (!value || !is_inside(key, static_cast<double>(*value))) return "epochs " + range_text(key, "");
            values.push_back(static_cast<int>(*value));
        }
        if (std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) != values.end())
            return "epochs in rising order, none twice";
        recipe.*field = std::move(values);
        return std::nullopt;
    }
};

struct FieldText {
    const Recipe& recipe;
    std::string operator()(int Recipe::*field) const { return std::to_string(recipe.*field); }
    std::string operator()(double Recipe::*field) const { return exact_number(recipe.*field); }
    std::string operator()(bool Recipe::*field) const { return recipe.*field ? "true" : "false"; }
    std::string operator()(std::string Recipe::*field) const { return recipe.*field; }
    std::string operator()(std::vector<int> Recipe::*field) const {
        std::string text;
        for (const int value : recipe.*field) text += (text.empty() ? "" : ", ") + std::to_string(value);
        return text;
    }
};

}  // namespace

std::span<const RecipeKey> recipe_keys() {
    static const std::vector<RecipeKey> rows = make_keys();
    return rows;
}

bool applies_to_stage(const RecipeKey& key, const StageParameters& parameters) {
    if (parameters.kind != StageKind::external) return key.applies(parameters);
    const bool is_threads = std::string_view(key.name) == "threads_per_stage";
    return names_placeholder(parameters.command, std::string("recipe.") + key.name) ||
           (is_threads && names_placeholder(parameters.command, "threads"));
}

const RecipeKey* find_recipe_key(std::string_view name) {
    for (const RecipeKey& key : recipe_keys())
        if (name == key.name) return &key;
    return nullptr;
}

const std::vector<std::string>& recipe_key_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const RecipeKey& key : recipe_keys()) list.emplace_back(key.name);
        return list;
    }();
    return names;
}

std::optional<std::string> set_recipe_key(Recipe& recipe, const RecipeKey& key, const std::string& text) {
    return std::visit(SetField{recipe, key, text}, key.field);
}

std::string recipe_text(const Recipe& recipe, const RecipeKey& key) { return std::visit(FieldText{recipe}, key.field); }

Recipe preset_recipe(const std::string& preset) {
    Recipe recipe;
    recipe.preset = preset;
    if (preset != "modern") return recipe;
    recipe.dropout = 0.0;
    recipe.observer_steps = kAllSteps;
    recipe.baseline_schedule = "cosine";
    recipe.baseline_lr_warmup_fraction = 0.1;
    recipe.baseline_nesterov = true;
    recipe.finetune_schedule = "cosine";
    return recipe;
}

void check_shards(const Recipe& recipe, const char* batch_key) {
    const int samples = recipe.*std::get<int Recipe::*>(find_recipe_key(batch_key)->field);
    if (recipe.shards == 1 || (samples % recipe.shards == 0 && samples / recipe.shards >= 2)) return;
    throw_usage({.attempted = "cannot cut a batch into equal parts",
                 .where = "recipe.shards",
                 .found = std::to_string(recipe.shards) + " parts of " + std::to_string(samples) + " images",
                 .expected = std::string("a divisor of recipe.") + batch_key + " that leaves two images a part"});
}

void check_precision(const Recipe& recipe, const char* key) {
    if (recipe.*std::get<std::string Recipe::*>(find_recipe_key(key)->field) != "tf32" || recipe.device != "cpu") return;
    throw_usage({.attempted = "cannot compute in TF32",
                 .where = std::string("recipe.") + key,
                 .found = "recipe.device = cpu",
                 .expected = "recipe.device = cuda: only GPUs round float32 to TF32 in matrix products",
                 .hint = "bf16 is fast on processors that have bfloat16 instructions"});
}

Recipe make_recipe(const std::string& preset, std::span<const RecipeSetting> settings) {
    Recipe recipe = preset_recipe(preset);
    for (const RecipeSetting& setting : settings) {
        const RecipeKey* key = find_recipe_key(setting.key);
        FAIRSWEEP_CHECK(key != nullptr, "a setting of a recipe has a known key");
        if (setting.key == "preset" || (key->is_modern && preset != "modern")) continue;
        FAIRSWEEP_CHECK(!set_recipe_key(recipe, *key, setting.text), "a setting of a recipe was checked when it was read");
    }
    return recipe;
}

}  // namespace fairsweep
