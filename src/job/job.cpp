#include "job/job.hpp"

#include <algorithm>
#include <functional>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "job/axes.hpp"
#include "job/job_entries.hpp"
#include "job/programs.hpp"
#include "job/values.hpp"
#include "plan/constraint.hpp"
#include "plan/stage_kinds.hpp"
#include "plan/tasks.hpp"
#include "words/recipe_keys.hpp"
#include "words/value_text.hpp"

namespace fairsweep {
namespace {

constexpr std::uint64_t kLargestSeed = (1ULL << 53U) - 1;  // exact in every JSON reader
constexpr std::string_view kDataPrefix = "data.";

const std::map<std::string, std::vector<std::string>>& keys_by_section() {
    static const std::map<std::string, std::vector<std::string>> keys = {{"sweep", {"name", "task", "seeds", "arms"}},
                                                                         {"axes", axes_keys()},
                                                                         {"constraint", {"exclude"}},
                                                                         {"recipe", recipe_key_names()},
                                                                         {"evaluation", {"data", "measure"}},
                                                                         {"run", {"checkpoint_s", "team_ranks"}},
                                                                         {"data.NAME", {"format", "path", "groups"}},
                                                                         {"program.NAME", program_keys()}};
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

void check_block_name(const JobEntry& entry) {
    if (!is_axes_section(entry.section) || entry.section == "axes") return;
    if (!is_plain_name(entry.section.substr(std::string_view("axes.").size())))
        refuse_value(entry, "[" + entry.section + "]", "[axes.NAME] with letters, digits, '_' and '-' in the name");
}

void check_keys_are_known(const JobEntries& entries) {
    for (const JobEntry& entry : entries.all()) {
        if (is_data_section(entry.section) && !is_plain_name(entry.section.substr(kDataPrefix.size()))) {
            refuse_value(entry, "[" + entry.section + "]", "[data.NAME] with letters, digits, '_' and '-' in the name");
        }
        check_block_name(entry);
        const auto known = keys_by_section().find(is_data_section(entry.section)      ? "data.NAME"
                                                  : is_program_section(entry.section) ? "program.NAME"
                                                  : is_axes_section(entry.section)    ? "axes"
                                                                                      : entry.section);
        if (known == keys_by_section().end() || entry.section.ends_with(".NAME")) refuse_section(entry);
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
        std::vector<std::string> known;
        for (const TaskInfo& one : tasks()) known.emplace_back(one.name);
        if (task->value == "expression")
            refuse_value(*task, "'expression'", "one of " + joined(known),
                         "the task 'expression' is not available yet; task = classification learns classes of aligned faces");
        if (find_task(task->value) == nullptr)
            refuse_value(*task, "'" + task->value + "'", "one of " + joined(known), suggestion(task->value, known));
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
        sweep.arms = list_of<Arm>(*arms, "dense, sham, compressed", [](const std::string& text) { return from_name<Arm>(text); });
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

bool is_equality(ConstraintRule::Operator op) {
    return op == ConstraintRule::Operator::equal || op == ConstraintRule::Operator::not_equal;
}

/// Words in a rule must be words that its axis can have, or the rule would silently match nothing. They need not be
/// values of this sweep's axis: --set may have narrowed it.
void check_rule_words(const ConstraintRule& rule, const JobEntry& entry, const Sweep& sweep) {
    for (const ConstraintRule::Comparison& comparison : rule.comparisons()) {
        const ConstraintRule::Subject& subject = comparison.subject;
        const bool is_axis = subject.place < sweep.axes.size();
        const bool is_nothing = comparison.word == "none" && subject.kind == AxisKind::word &&
                                subject.place != index_of(Axis::architecture) && subject.place != index_of(Axis::training_set);
        if (is_axis && subject.kind != AxisKind::number && is_equality(comparison.op) && !is_nothing)
            static_cast<void>(read_axis_value(entry, sweep, subject.place, comparison.word));
        if (!is_axis && subject.kind == AxisKind::word && !from_name<Arm>(comparison.word)) {
            std::vector<std::string> arms;
            for (const Arm arm : all_of<Arm>()) arms.emplace_back(name_of(arm));
            refuse_value(entry, "arm '" + comparison.word + "'", "one of " + joined(arms), suggestion(comparison.word, arms));
        }
    }
}

void read_constraints(const JobEntries& entries, Sweep& sweep) {
    for (const JobEntry& entry : entries.all()) {
        if (entry.section != "constraint") continue;
        const ConstraintRule rule = ConstraintRule::parse(entry.value, entry.where, sweep.axes);
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

/// What points are measured by, besides the evaluation that every point has.
void read_measurements(const JobEntries& entries, Sweep& sweep) {
    std::vector<std::string> words;
    for (const StageKind kind : all_of<StageKind>()) {
        if (info_of(kind).measures_points && kind != StageKind::evaluation) words.emplace_back(name_of(kind));
    }
    if (const JobEntry* measure = entries.find("evaluation", "measure")) {
        sweep.measurements = list_of<StageKind>(*measure, joined(words), [&words](const std::string& text) {
            const bool is_known = std::find(words.begin(), words.end(), text) != words.end();
            return is_known ? from_name<StageKind>(text) : std::nullopt;
        });
    }
}

RunSettings read_run_section(const JobEntries& entries) {
    constexpr double kDay_s = 86400.0;
    constexpr int kMostTeamRanks = 1024;  // as many as a batch can have parts
    RunSettings run;
    run.checkpoint_s = read_number(entries, "run", "checkpoint_s", 0, kDay_s, run.checkpoint_s);
    const JobEntry* team = entries.find("run", "team_ranks");
    if (team == nullptr || team->value == "auto") return run;
    const auto ranks = parse_integer(team->value);
    if (!ranks || *ranks < 1 || *ranks > kMostTeamRanks)
        refuse_value(*team, "'" + team->value + "'", "auto, or a whole number from 1 to " + std::to_string(kMostTeamRanks));
    run.team_ranks = static_cast<std::uint32_t>(*ranks);
    return run;
}

}  // namespace

Sweep parse_job(const std::string& text, const std::string& origin, const std::vector<std::string>& overrides) {
    const JobEntries entries(text, origin, overrides);
    check_keys_are_known(entries);
    Sweep sweep;
    read_sweep_section(entries, sweep);
    read_data_sections(entries, sweep);
    read_programs(entries, sweep);
    read_axes(entries, sweep);
    read_constraints(entries, sweep);
    const JobEntry& evaluation = entries.require("evaluation", "data", "NAME, with a section [data.NAME]");
    require_data(evaluation, evaluation.value, sweep);
    sweep.evaluation_data = evaluation.value;
    read_measurements(entries, sweep);
    sweep.run = read_run_section(entries);
    check_programs(entries, sweep);
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
