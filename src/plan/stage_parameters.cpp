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
#include "plan/stage_kinds.hpp"
#include "words/program_command.hpp"
#include "words/recipe_keys.hpp"

namespace fairsweep {
namespace {

using Json = nlohmann::json;

/// The command, and of all else what its placeholders name: what a program is not told cannot change what it does.
template <typename Parameters, typename Visit>
void visit_external_fields(Parameters& p, const Visit& visit) {
    visit("command", p.command);
    visit("result", p.result);
    visit("depends", p.depends);
    const auto visit_named = [&p, &visit](const char* placeholder, const char* key, auto& value) {
        if (names_placeholder(p.command, placeholder)) visit(key, value);
    };
    const auto is_named = [&p](const char* placeholder) { return names_placeholder(p.command, placeholder); };
    // A checkpoint is checked against its architecture, the other results against the evaluation set.
    if (is_named("architecture") || p.result == kResultCheckpoint) visit("architecture", p.architecture);
    if (is_named("evaluation_data") || p.result != kResultCheckpoint) visit("evaluation_data", p.evaluation_data);
    visit_named("training_data", "training_data", p.training_data);
    visit_named("calibration_data", "data", p.data);
    if (is_named("bits") || is_named("weight_bits")) visit("bits_weight", p.bits.weight);
    if (is_named("bits") || is_named("activation_bits")) visit("bits_activation", p.bits.activation);
    visit_named("sparsity", "sparsity", p.sparsity);
    visit_named("distillation", "distillation", p.distillation);
    visit_named("training_set", "training_set", p.training_set);
    visit_named("calibration", "calibration", p.calibration);
    visit_named("pruning", "pruning", p.pruning);
    visit_named("arm", "arm", p.arm);
    visit_named("seed", "seed", p.seed);
}

/// Visits the fields that a stage uses as (key, member), for writing and reading alike, so that both always agree: what every
/// stage has, what decides which keys of the recipe apply, then those keys. A third argument is true where the text lacks the
/// key because the member has the default of a key that came later. `Parameters` is StageParameters, const or not.
template <typename Parameters, typename Visit>
void visit_fields(Parameters& p, const Visit& visit) {
    visit("version", p.version);
    static const StageParameters kFirstTask{};
    visit("task", p.task, p.task == kFirstTask.task);  // tasks came later
    const StageKindInfo& kind = info_of(p.kind);
    if (p.kind == StageKind::external) {
        visit_external_fields(p, visit);
    } else {
        visit("data", p.data);
        if (kind.has_image_size) visit("image_size", p.image_size);
        if (kind.has_architecture) visit("architecture", p.architecture);
        if (kind.has_seed) visit("seed", p.seed);
        if (kind.has_compression) {
            visit("bits_weight", p.bits.weight);
            visit("bits_activation", p.bits.activation);
            visit("sparsity", p.sparsity);
            visit("distillation", p.distillation);
        }
    }
    static const Recipe kDefault{};
    for (const RecipeKey& key : recipe_keys()) {
        const auto visit_field = [&](const auto field) {
            visit(key.name, p.recipe.*field, key.came_later && p.recipe.*field == kDefault.*field);
        };
        if (applies_to_stage(key, p)) std::visit(visit_field, key.field);
    }
}

std::string json_text(int value) { return std::to_string(value); }
std::string json_text(std::uint64_t value) { return std::to_string(value); }
std::string json_text(bool value) { return value ? "true" : "false"; }
std::string json_text(double value) { return exact_number(value); }
/// Words of job files hold nothing to escape; plans have millions of them.
std::string json_text(const std::string& value) {
    const bool is_plain = std::all_of(value.begin(), value.end(), [](char letter) {
        return letter >= ' ' && letter <= '~' && letter != '"' && letter != '\\';
    });
    return is_plain ? '"' + value + '"' : Json(value).dump();
}
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
                 .expected = "a kind of stage"});
}

StageParameters parse(const std::string& text) {
    const Json json = Json::parse(text);
    StageParameters parameters;
    parameters.kind = kind_from_name(json.at("kind").get_ref<const std::string&>());
    visit_fields(parameters, [&json](const char* key, auto& value, bool may_lack = false) {
        if (!may_lack || json.contains(key)) read(json.at(key), value);
    });
    return parameters;
}

}  // namespace

std::string canonical_text(const StageParameters& parameters) {
    std::vector<std::pair<std::string_view, std::string>> fields;  // sorted once: plans have hundreds of thousands of these
    fields.reserve(32);
    fields.emplace_back("kind", json_text(std::string(name_of(parameters.kind))));
    visit_fields(parameters, [&fields](const char* key, const auto& value, bool is_left_out = false) {
        if (!is_left_out) fields.emplace_back(key, json_text(value));
    });
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
