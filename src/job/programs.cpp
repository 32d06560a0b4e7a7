#include "job/programs.hpp"

#include <algorithm>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"
#include "job/axes.hpp"
#include "job/values.hpp"
#include "plan/tasks.hpp"
#include "words/program_command.hpp"
#include "words/recipe_axes.hpp"

namespace fairsweep {
namespace {

constexpr const char* kNone = "none";

void check_command(const JobEntry& entry) {
    try {
        static_cast<void>(split_command(entry.value));
    } catch (const Error& error) {
        refuse_value(entry, error.parts().found, error.parts().expected, error.parts().hint);
    }
    if (!names_placeholder(entry.value, "artefact"))
        refuse_value(entry, "no {artefact} in '" + entry.value + "'", "{artefact} where the program is told its output file",
                     "for example: python3 my_qat.py --bits {bits} --seed {seed} --out {artefact}");
}

std::string read_word(const JobEntry& entry, const std::vector<std::string>& words) {
    if (std::find(words.begin(), words.end(), entry.value) == words.end())
        refuse_value(entry, "'" + entry.value + "'", "one of " + joined(words), suggestion(entry.value, words));
    return entry.value;
}

std::vector<std::string> read_depends(const JobEntry& entry) {
    std::vector<std::string> paths;
    for (const std::string& part : list_of(entry)) {
        JobEntry one = entry;
        one.value = part;
        paths.push_back(expand_path(one).string());
    }
    return paths;
}

ProgramSettings read_settings(const JobEntries& entries, const std::string& section) {
    constexpr double kYear_s = 366.0 * 86400.0, kMaxLogBytes = 1e9;
    ProgramSettings settings;
    settings.time_limit_s = read_number(entries, section, "time_limit_s", 1, kYear_s, settings.time_limit_s);
    settings.grace_s = read_number(entries, section, "grace_s", 0, 86400, settings.grace_s);
    const auto log_bytes = static_cast<double>(settings.log_bytes);
    settings.log_bytes = static_cast<std::uint64_t>(read_number(entries, section, "log_bytes", 1024, kMaxLogBytes, log_bytes));
    if (const JobEntry* depends = entries.find(section, "depends")) settings.depends = read_depends(*depends);
    if (const JobEntry* signal = entries.find(section, "stop_signal")) {
        JobEntry word = *signal;
        if (word.value.starts_with("SIG")) word.value.erase(0, 3);
        settings.stop_signal = read_word(word, stop_signal_words());
    }
    return settings;
}

Program read_program(const JobEntries& entries, const std::string& section) {
    Program program;
    const JobEntry& train = entries.require(section, "train", "python3 my_qat.py --bits {bits} --seed {seed} --out {artefact}");
    check_command(train);
    program.command = train.value;
    if (const JobEntry* result = entries.find(section, "result"))
        program.result = read_word(*result, {kResultCheckpoint, kResultEmbeddings, kResultScores});
    if (const JobEntry* arms = entries.find(section, "arms"))
        program.arms =
            list_of<Arm>(*arms, "dense, sham, compressed", [](const std::string& text) { return from_name<Arm>(text); });
    program.estimate_s = read_number(entries, section, "estimate_s", 0.001, 1e9, program.estimate_s);
    program.settings = read_settings(entries, section);
    return program;
}

std::vector<std::string> words_of_program(const Sweep& sweep) {
    std::vector<std::string> words{kNone};
    for (const auto& [name, unused] : sweep.programs) words.push_back(name);
    return words;
}

bool is_chosen(const std::string& program, const Sweep& sweep) {
    if (sweep.recipe.program == program) return true;
    for (std::size_t axis = count_of<Axis>; axis < sweep.axes.size(); ++axis)
        for (const AxisBlock& block : sweep.blocks)
            for (const AxisValue& value : block.values[axis])
                if (is_program_axis(sweep.axes[axis]) && text_of(value) == program) return true;
    return false;
}

}  // namespace

bool is_program_section(const std::string& section) { return section.starts_with(kProgramPrefix); }

const std::vector<std::string>& program_keys() {
    static const std::vector<std::string> keys{"train",       "result",  "depends",   "arms",      "time_limit_s",
                                               "stop_signal", "grace_s", "log_bytes", "estimate_s"};
    return keys;
}

void read_programs(const JobEntries& entries, Sweep& sweep) {
    for (const JobEntry& entry : entries.all()) {
        if (!is_program_section(entry.section)) continue;
        const std::string name = entry.section.substr(kProgramPrefix.size());
        if (sweep.programs.contains(name)) continue;
        if (!is_plain_name(name) || name == kNone)
            refuse_value(entry, "[" + entry.section + "]",
                         "[program.NAME] with letters, digits, '_' and '-' in the name, which is not none");
        sweep.programs.emplace(name, read_program(entries, entry.section));
    }
}

void require_program(const JobEntry& entry, const std::string& name, const Sweep& sweep) {
    const std::vector<std::string> words = words_of_program(sweep);
    if (std::find(words.begin(), words.end(), name) != words.end()) return;
    const std::string near = suggestion(name, words);
    refuse_value(entry, "'" + name + "', which has no section",
                 words.size() == 1 ? "a section [program." + name + "]" : joined(words),
                 near.empty() ? "add [program." + name + "] with train = COMMAND" : near);
}

void check_programs(const JobEntries& entries, const Sweep& sweep) {
    if (const JobEntry* entry = entries.find("recipe", "program")) require_program(*entry, entry->value, sweep);
    for (const auto& [name, program] : sweep.programs) {
        const JobEntry& train = *entries.find(std::string(kProgramPrefix) + name, "train");
        if (!is_chosen(name, sweep))
            refuse_value(train, "a program that no point of the sweep chooses", "[recipe] with program = " + name,
                         "or, to compare it with fairsweep's own training: [axes] recipe.program = none, " + name);
        if (task_info(sweep.task).has_classes)
            refuse_value(train, "a program in a sweep of the task " + sweep.task, "task = verification",
                         "classifiers are trained by fairsweep alone so far");
        const JobEntry* measure = entries.find("evaluation", "measure");
        if (measure != nullptr && program.result != kResultCheckpoint)
            refuse_value(*measure, "'" + measure->value + "' of program " + name + ", which leaves " + program.result,
                         "programs with result = checkpoint", "there is no network that could be measured");
    }
}

}  // namespace fairsweep
