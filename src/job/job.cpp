#include "job/job.hpp"

#include <algorithm>
#include <functional>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "job/compression_axes.hpp"
#include "job/job_entries.hpp"
#include "job/recipe_keys.hpp"
#include "job/values.hpp"
#include "plan/architecture.hpp"
#include "plan/constraint.hpp"

namespace fairsweep {
namespace {

using Axis = ConstraintRule::Axis;

constexpr std::uint64_t kLargestSeed = (1ULL << 53U) - 1;  // exact in every JSON reader
constexpr std::string_view kDataPrefix = "data.";

const std::map<std::string, std::vector<std::string>>& keys_by_section() {
    static const std::map<std::string, std::vector<std::string>> keys = {
        {"sweep", {"name", "task", "seeds", "arms"}},
        {"axes", {"architecture", "training_set", "bits", "calibration", "sparsity", "pruning", "distillation"}},
        {"constraint", {"exclude"}},
        {"recipe", recipe_key_names()},
        {"evaluation", {"data"}},
        {"data.NAME", {"format", "path", "groups"}}};
    return keys;
}

bool is_data_section(const std::string& section) { return section.rfind(kDataPrefix, 0) == 0; }

void refuse_section(const JobEntry& entry) {
    std::vector<std::string> sections;
    for (const auto& [name, unused] : keys_by_section()) sections.push_back(name);
    throw_usage({.attempted = "the job file has an unknown section",
                 .where = entry.where,
                 .found = entry.section.empty() ? "'" + entry.key + "' before any [section]" : "[" + entry.section + "]",
                 .expected = joined(sections),
                 .hint = suggestion(entry.section, sections)});
}

void check_keys_are_known(const JobEntries& entries) {
    for (const JobEntry& entry : entries.all()) {
        if (is_data_section(entry.section) && !is_plain_name(entry.section.substr(kDataPrefix.size()))) {
            refuse_value(entry, "[" + entry.section + "]", "[data.NAME] with letters, digits, '_' and '-' in the name");
        }
        const auto known = keys_by_section().find(is_data_section(entry.section) ? "data.NAME" : entry.section);
        if (known == keys_by_section().end() || entry.section == "data.NAME") refuse_section(entry);
        const std::vector<std::string>& keys = known->second;
        if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
        throw_usage({.attempted = "the job file has an unknown key",
                     .where = entry.where,
                     .found = "'" + entry.key + "'",
                     .expected = joined(keys),
                     .hint = suggestion(entry.key, keys)});
    }
}

void read_sweep_section(const JobEntries& entries, Sweep& sweep) {
    const JobEntry& name = entries.require("sweep", "name", "my-sweep");
    if (!is_plain_name(name.value)) refuse_value(name, "'" + name.value + "'", "letters, digits, '_' and '-', at most 64");
    sweep.name = name.value;
    if (const JobEntry* task = entries.find("sweep", "task")) {
        if (task->value == "expression")
            refuse_value(*task, "'expression'", "verification", "the task 'expression' is not available yet");
        if (task->value != "verification")
            refuse_value(*task, "'" + task->value + "'", "verification", suggestion(task->value, {"verification"}));
        sweep.task = task->value;
    }
    if (const JobEntry* seeds = entries.find("sweep", "seeds")) {
        sweep.seeds = list_of<std::uint64_t>(
            *seeds, "whole numbers from 0 to " + std::to_string(kLargestSeed), [](const std::string& text) {
                const auto seed = parse_integer(text);
                const bool is_valid = seed && *seed >= 0 && static_cast<std::uint64_t>(*seed) <= kLargestSeed;
                return is_valid ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(*seed)) : std::nullopt;
            });
    }
    if (const JobEntry* arms = entries.find("sweep", "arms")) {
        sweep.arms = list_of<Arm>(*arms, "dense, sham, compressed", [](const std::string& text) -> std::optional<Arm> {
            for (const Arm arm : {Arm::dense, Arm::sham, Arm::compressed}) {
                if (text == name_of(arm)) return arm;
            }
            return std::nullopt;
        });
        std::sort(sweep.arms.begin(), sweep.arms.end());
    }
}

void read_data_sections(const JobEntries& entries, Sweep& sweep) {
    for (const JobEntry& entry : entries.all()) {
        if (!is_data_section(entry.section)) continue;
        const std::string name = entry.section.substr(kDataPrefix.size());
        if (sweep.data.count(name) != 0) continue;
        if (name == "none" || name == "real") {
            refuse_value(entry, "[" + entry.section + "]", "another name",
                         "'none' and 'real' have their own meaning as calibration");
        }
        DataSource source;
        source.name = name;
        source.format = entries.require(entry.section, "format", "recordio").value;
        if (!is_plain_name(source.format))
            refuse_value(*entries.find(entry.section, "format"), "'" + source.format + "'", "a format such as recordio or rfw");
        source.path = expand_path(entries.require(entry.section, "path", "${DATA}/" + name));
        if (const JobEntry* groups = entries.find(entry.section, "groups")) source.groups = list_of(*groups);
        sweep.data.emplace(name, std::move(source));
    }
}

std::vector<std::string> data_names(const Sweep& sweep) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : sweep.data) names.push_back(name);
    return names;
}

void require_data(const JobEntry& entry, const std::string& name, const Sweep& sweep) {
    if (sweep.data.count(name) != 0) return;
    const std::vector<std::string> names = data_names(sweep);
    const std::string near = suggestion(name, names);
    refuse_value(entry, "'" + name + "', which has no section",
                 names.empty() ? "a section [data." + name + "]" : "one of the data sets: " + joined(names),
                 near.empty() ? "add [data." + name + "] with format and path" : near);
}

void check_architecture(const JobEntry& entry, const std::string& name) {
    if (read_architecture_name(name)) return;
    const std::string expected =
        "mobilefacenet, iresnet18, iresnet34, iresnet50, iresnet100, or reduced: iresnet<10|18|34|50|100>-w<W>[-<S>], "
        "mobilefacenet-w<W>[-<S>] with W a multiple of 8 in 16..512 and S another input size than 112, a multiple of 8 in "
        "32..224";
    if (name == "fer-cnn")
        refuse_value(entry, "'fer-cnn'", expected, "the task 'expression' and its network are not available yet");
    refuse_value(entry, "'" + name + "'", expected, suggestion(name, known_architectures()));
}

void read_calibrations(const JobEntries& entries, Sweep& sweep) {
    const JobEntry* entry = entries.find("axes", "calibration");
    const bool trains_from_teacher = std::any_of(sweep.arms.begin(), sweep.arms.end(), [](Arm arm) { return arm != Arm::dense; });
    sweep.calibrations = entry == nullptr ? std::vector<std::string>{"real"} : list_of(*entry);
    for (const std::string& name : sweep.calibrations) {
        if (name == "real") continue;
        if (name == "none") {
            if (trains_from_teacher)
                refuse_value(*entry, "'none'", "real, synthetic or a data set",
                             "only the dense arm needs no calibration data: arms = dense");
            continue;
        }
        require_data(*entry, name, sweep);
    }
}

void read_axes(const JobEntries& entries, Sweep& sweep) {
    const JobEntry& architectures = entries.require("axes", "architecture", "iresnet18");
    sweep.architectures = list_of(architectures);
    for (const std::string& name : sweep.architectures) check_architecture(architectures, name);

    const JobEntry& training_sets = entries.require("axes", "training_set", "NAME, with a section [data.NAME]");
    sweep.training_sets = list_of(training_sets);
    for (const std::string& name : sweep.training_sets) require_data(training_sets, name, sweep);

    sweep.bits = list_of<Bits>(entries.require("axes", "bits", "32, 8, 4"),
                               "bit widths 2 to 16 or 32: 8, or w4a8 for 4-bit weights and 8-bit activations", parse_bits);
    read_calibrations(entries, sweep);

    sweep.sparsities = {0.0};
    if (const JobEntry* entry = entries.find("axes", "sparsity")) {
        sweep.sparsities = list_of<double>(*entry, "shares of zero weights from 0 to below 1", [](const std::string& text) {
            const auto value = parse_number(text);
            const bool is_valid = value && *value >= 0 && *value < 1;
            return is_valid ? std::optional<double>(*value + 0.0)
                            : std::nullopt;  // + 0.0: "-0" has another text and so another id
        });
    }
    read_compression_axes(entries, sweep);
}

bool is_equality(ConstraintRule::Operator op) {
    return op == ConstraintRule::Operator::equal || op == ConstraintRule::Operator::not_equal;
}

/// Words in a rule must be words that its axis can have, or the rule would silently match nothing. They need not be
/// values of this sweep's axis: --set may have narrowed it.
void check_rule_words(const ConstraintRule& rule, const JobEntry& entry, const Sweep& sweep) {
    std::vector<std::string> calibrations = data_names(sweep);
    calibrations.insert(calibrations.end(), {"real", "none"});
    const auto require_word = [&entry](const ConstraintRule::Comparison& comparison, const std::vector<std::string>& known) {
        if (std::find(known.begin(), known.end(), comparison.word) != known.end()) return;
        refuse_value(entry, std::string(name_of(comparison.axis)) + " '" + comparison.word + "'", "one of " + joined(known),
                     suggestion(comparison.word, known));
    };
    for (const ConstraintRule::Comparison& comparison : rule.comparisons()) {
        switch (comparison.axis) {
            case Axis::architecture:
                check_architecture(entry, comparison.word);
                break;
            case Axis::training_set:
                require_word(comparison, data_names(sweep));
                break;
            case Axis::calibration:
                require_word(comparison, calibrations);
                break;
            case Axis::pruning:
                if (comparison.word != "none") check_pruning_value(entry, comparison.word);
                break;
            case Axis::distillation: {
                std::vector<std::string> known = distillation_names();
                known.emplace_back("none");
                require_word(comparison, known);
                break;
            }
            case Axis::arm:
                require_word(comparison, {"dense", "sham", "compressed"});
                break;
            case Axis::bits:
                if (is_equality(comparison.op) && !parse_bits(comparison.word))
                    refuse_value(entry, "bits '" + comparison.word + "'", "a bit width such as 8 or w4a8");
                break;
            case Axis::sparsity:
            case Axis::seed:
                break;
        }
    }
}

void read_constraints(const JobEntries& entries, Sweep& sweep) {
    for (const JobEntry& entry : entries.all()) {
        if (entry.section != "constraint") continue;
        const ConstraintRule rule = ConstraintRule::parse(entry.value, entry.where);
        check_rule_words(rule, entry, sweep);
        sweep.constraints.push_back({entry.value});
    }
}

std::string read_job_text(const std::filesystem::path& path) {
    constexpr std::uint64_t kMaxBytes = 1ULL << 20U;
    try {
        return read_text_file(path, kMaxBytes);
    } catch (const Error& error) {
        throw_usage({.attempted = "cannot read the job file",
                     .where = path.string(),
                     .found = error.parts().found,
                     .expected = error.parts().expected,
                     .hint = "examples are in the folder jobs/"});
    }
}

}  // namespace

Sweep parse_job(const std::string& text, const std::string& origin, const std::vector<std::string>& overrides) {
    const JobEntries entries(text, origin, overrides);
    check_keys_are_known(entries);
    Sweep sweep;
    read_sweep_section(entries, sweep);
    read_data_sections(entries, sweep);
    read_axes(entries, sweep);
    read_constraints(entries, sweep);
    sweep.recipe = read_recipe(entries);
    const JobEntry& evaluation = entries.require("evaluation", "data", "NAME, with a section [data.NAME]");
    require_data(evaluation, evaluation.value, sweep);
    sweep.evaluation_data = evaluation.value;
    sweep.source_text = entries.text();
    return sweep;
}

Sweep load_job(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
    return parse_job(read_job_text(path), path.string(), overrides);
}

std::vector<UnsetVariable> unset_variables(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
    const JobEntries entries(read_job_text(path), path.string(), overrides);
    std::vector<UnsetVariable> unset;
    for (const JobEntry& entry : entries.all()) {
        if (!is_data_section(entry.section) || entry.key != "path") continue;
        // What is defined is replaced, what is not stays as written.
        const std::string expanded = expand_path(entry).string();
        for (std::size_t open = expanded.find("${"); open != std::string::npos; open = expanded.find("${", open + 2)) {
            const std::string name = expanded.substr(open + 2, expanded.find('}', open) - open - 2);
            unset.push_back({entry.section.substr(kDataPrefix.size()), name, entry.where});
        }
    }
    return unset;
}

}  // namespace fairsweep
