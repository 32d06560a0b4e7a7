/// Canonical text of a stage's parameters: one flat JSON object, keys sorted, numbers as exact_number() writes them.
/// Changing a key or a number format here changes every id: the golden test of tests/plan notices.
#include "fairsweep/stage_parameters.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"
#include "plan/stage_id.hpp"

namespace fairsweep {
namespace {

using Json = nlohmann::json;

/// Visits the fields that a stage kind uses as (key, member), for writing and reading alike, so that both always agree.
/// `Parameters` is StageParameters, const or not.
template <typename Parameters, typename Visit>
void visit_training_fields(Parameters& p, const Visit& visit) {
    visit("seed", p.seed);
    visit("preset", p.recipe.preset);
    visit("momentum", p.recipe.momentum);
    visit("weight_decay", p.recipe.weight_decay);
    visit("clip_norm", p.recipe.clip_norm);
    visit("flip", p.recipe.flip);
}

template <typename Parameters, typename Visit>
void visit_baseline_fields(Parameters& p, const Visit& visit) {
    visit_training_fields(p, visit);
    visit("baseline_epochs", p.recipe.baseline_epochs);
    visit("baseline_batch_samples", p.recipe.baseline_batch_samples);
    visit("baseline_lr", p.recipe.baseline_lr);
    visit("baseline_lr_warmup_fraction", p.recipe.baseline_lr_warmup_fraction);
    visit("baseline_schedule", p.recipe.baseline_schedule);
    if (p.recipe.baseline_schedule == "steps") visit("baseline_milestones", p.recipe.baseline_milestones);
    visit("baseline_nesterov", p.recipe.baseline_nesterov);
    visit("margin_loss", p.recipe.margin_loss);
    if (is_elastic_margin(p.recipe.margin_loss)) visit("margin_std", p.recipe.margin_std);
    visit("margin_scale", p.recipe.margin_scale);
    visit("margin_rad", p.recipe.margin_rad);
    visit("margin_warmup_fraction", p.recipe.margin_warmup_fraction);
}

/// How to prune is no part of a network that is not pruned, nor the order of pruning and quantising where there is one of
/// the two only. Read after bits and sparsity.
template <typename Parameters, typename Visit>
void visit_pruning_fields(Parameters& p, const Visit& visit) {
    if (p.sparsity == 0.0) return;
    visit("sparsity_pattern", p.recipe.sparsity_pattern);
    visit("sparsity_scope", p.recipe.sparsity_scope);
    visit("sparsity_schedule", p.recipe.sparsity_schedule);
    if (!p.bits.is_float()) visit("order", p.recipe.order);
}

/// What preset "modern" adds. BatchNorm's treatment is part of the sham arm too; quantisers only where there are any.
template <typename Parameters, typename Visit>
void visit_modern_fields(Parameters& p, const Visit& visit) {
    visit("batch_norm", p.recipe.batch_norm);
    if (p.recipe.batch_norm == "frozen") visit("batch_norm_live_fraction", p.recipe.batch_norm_live_fraction);
    if (p.bits.is_float()) return;
    visit("range_percentile", p.recipe.range_percentile);
    if (p.bits.weight != 32) {
        visit("weight_grid", p.recipe.weight_grid);
        visit("weight_granularity", p.recipe.weight_granularity);
        visit("weight_range", p.recipe.weight_range);
        visit("edge_bits", p.recipe.edge_bits);
    }
    if (p.bits.activation != 32) {
        visit("activation_grid", p.recipe.activation_grid);
        visit("activation_range", p.recipe.activation_range);
        visit("range_averaging", p.recipe.range_averaging);
        visit("slope_bits", p.recipe.slope_bits);
    }
}

template <typename Parameters, typename Visit>
void visit_compression_fields(Parameters& p, const Visit& visit) {
    visit_training_fields(p, visit);
    visit("bits_weight", p.bits.weight);
    visit("bits_activation", p.bits.activation);
    visit("sparsity", p.sparsity);
    visit("distillation", p.distillation);
    visit("finetune_steps", p.recipe.finetune_steps);
    visit("finetune_batch_samples", p.recipe.finetune_batch_samples);
    visit("finetune_lr", p.recipe.finetune_lr);
    visit("finetune_schedule", p.recipe.finetune_schedule);
    visit("embedding_loss_scale", p.recipe.embedding_loss_scale);
    visit("dropout", p.recipe.dropout);
    visit("precision", p.recipe.precision);
    // Read after the bits. A network that is not quantised has no observers: their schedule must not change its id.
    if (!p.bits.is_float()) visit("observer_steps", p.recipe.observer_steps);
    visit_pruning_fields(p, visit);
    if (p.recipe.preset == "modern") visit_modern_fields(p, visit);
}

template <typename Parameters, typename Visit>
void visit_fields(Parameters& p, const Visit& visit) {
    visit("version", p.version);
    visit("data", p.data);
    if (p.kind == StageKind::prepare) {
        visit("image_size", p.image_size);
        return;
    }
    visit("architecture", p.architecture);
    visit("threads_per_stage", p.recipe.threads_per_stage);
    visit("shards", p.recipe.shards);
    if (p.kind == StageKind::teacher) visit("flip", p.recipe.flip);
    if (p.kind == StageKind::baseline) visit_baseline_fields(p, visit);
    if (p.kind == StageKind::compression) visit_compression_fields(p, visit);
}

std::string json_text(int value) { return std::to_string(value); }
std::string json_text(std::uint64_t value) { return std::to_string(value); }
std::string json_text(bool value) { return value ? "true" : "false"; }
std::string json_text(double value) { return exact_number(value); }
std::string json_text(const std::string& value) { return Json(value).dump(); }
std::string json_text(const std::vector<int>& value) { return Json(value).dump(); }
std::string json_text(const Digest& value) { return '"' + value.hex() + '"'; }

void read(const Json& json, Digest& value) { value = Digest::from_hex(json.get_ref<const std::string&>()); }
void read(const Json& json, std::string& value) { value = json.get_ref<const std::string&>(); }
template <typename Number>
void read(const Json& json, Number& value) {
    value = json.get<Number>();
}

StageKind kind_from_name(const std::string& name) {
    if (const auto kind = from_name<StageKind>(name)) return *kind;
    throw_store({.attempted = "cannot read the parameters of a stage",
                 .where = "key kind",
                 .found = "'" + name + "'",
                 .expected = "a kind of stage",
                 .hint = {}});
}

StageParameters parse(const std::string& text) {
    const Json json = Json::parse(text);
    StageParameters parameters;
    parameters.kind = kind_from_name(json.at("kind").get_ref<const std::string&>());
    visit_fields(parameters, [&json](const char* key, auto& value) { read(json.at(key), value); });
    return parameters;
}

}  // namespace

std::string canonical_text(const StageParameters& parameters) {
    std::vector<std::pair<std::string_view, std::string>> fields;  // sorted once: plans have hundreds of thousands of these
    fields.reserve(32);
    fields.emplace_back("kind", json_text(std::string(name_of(parameters.kind))));
    visit_fields(parameters, [&fields](const char* key, const auto& value) { fields.emplace_back(key, json_text(value)); });
    std::sort(fields.begin(), fields.end());
    std::string text = "{";
    text.reserve(640);
    for (const auto& [key, value] : fields) {
        if (text.size() > 1) text += ',';
        text += '"';
        text += key;
        text += "\":";
        text += value;
    }
    return text + '}';
}

StageParameters parse_stage_parameters(const std::string& text) {
    constexpr std::size_t kShownBytes = 200;
    const auto refuse = [&text](const std::string& problem) {
        throw_store({.attempted = "cannot read the parameters of a stage",
                     .where = problem,
                     .found = text.substr(0, kShownBytes),
                     .expected = "the canonical JSON that this version writes",
                     .hint = "the store may come from another version of fairsweep"});
    };
    StageParameters parameters;
    try {
        parameters = parse(text);
    } catch (const Json::exception& error) {
        refuse(error.what());
    } catch (const Error& error) {
        refuse(error.what());
    }
    // Catches unknown keys, doubled keys, wrong spacing, numbers that were cut: the text would not hash to its id.
    if (canonical_text(parameters) != text) refuse("not in canonical form, or with unknown keys");
    return parameters;
}

Digest stage_id(StageKind kind, const std::string& parameters, std::span<const Digest> needs) {
    std::string text = "fairsweep stage 1\n";
    text += name_of(kind);
    text += '\n' + parameters + '\n';
    for (const Digest& need : needs) text += need.hex() + '\n';
    return sha256(text);
}

}  // namespace fairsweep
