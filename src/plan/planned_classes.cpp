#include "plan/planned_classes.hpp"

#include <fmt/format.h>

#include <set>

#include "fairsweep/error.hpp"
#include "plan/tasks.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kMaxClassBytes = 64;
constexpr std::uint64_t kMaxResponses = std::uint64_t{16} << 20U;  // what a message and a row of a shard hold

std::string listed(const std::vector<std::string>& words) {
    return words.empty() ? "none" : fmt::format("{}", fmt::join(words, ", "));
}

void check_names(const std::vector<std::string>& classes, const std::string& where) {
    for (const std::string& name : classes) {
        if (!name.empty() && name.size() <= kMaxClassBytes && name.find('/') == std::string::npos) continue;
        throw_usage({.attempted = "cannot use a class of this name",
                     .where = where,
                     .found = "'" + name.substr(0, kMaxClassBytes) + "'",
                     .expected = "1 to " + std::to_string(kMaxClassBytes) + " bytes without '/': it names columns of files"});
    }
}

void check_numbers(const std::vector<std::string>& classes, std::uint64_t images, const std::string& where) {
    if (classes.size() < 2)
        throw_usage({.attempted = "there is nothing to tell apart",
                     .where = where,
                     .found = "classes " + listed(classes),
                     .expected = "two classes or more"});
    const std::uint64_t responses = images * classes.size();
    if (responses > kMaxResponses)
        throw_usage({.attempted = "the evaluation set is too large for its classes",
                     .where = where,
                     .found = std::to_string(responses) + " images times classes",
                     .expected = "at most " + std::to_string(kMaxResponses),
                     .hint = "evaluate on fewer images"});
}

/// What fairsweep's own baselines learn from, where it is there. What a program of the user's makes of its data is its own
/// affair.
std::vector<const PlannedData*> training_sets(const Plan& plan) {
    std::set<std::string> names;
    for (const Stage& stage : plan.stages)
        if (stage.kind == StageKind::baseline) names.insert(stage.data_sets.begin(), stage.data_sets.end());
    std::vector<const PlannedData*> sets;
    for (const std::string& name : names)
        if (const PlannedData& data = plan.data.at(name); data.present) sets.push_back(&data);
    return sets;
}

/// A margin loss on a handful of expressions would train something else than what was asked for, without a word.
void refuse_classes_as_people(const Sweep& sweep, const Plan& plan, const DataProbe& probe) {
    for (const PlannedData* data : training_sets(plan)) {
        if (probe.classes(data->source).empty()) continue;
        throw_usage({.attempted = "cannot train for " + sweep.task + " on images with classes",
                     .where = "data." + data->source.name,
                     .found = "format " + data->source.format,
                     .expected = "a set of people with their images, such as recordio or folder",
                     .hint = "task = classification learns the classes"});
    }
}

}  // namespace

std::vector<std::string> planned_classes(const Sweep& sweep, const Plan& plan, const DataProbe& probe) {
    if (!probe.classes) return {};
    if (!task_info(sweep.task).has_classes) {
        refuse_classes_as_people(sweep, plan, probe);
        return {};
    }
    const auto planned = plan.data.find(sweep.evaluation_data);
    if (planned == plan.data.end() || !planned->second.present) return {};
    const std::string where = "data." + sweep.evaluation_data;
    std::vector<std::string> classes = probe.classes(planned->second.source);
    check_names(classes, where);
    check_numbers(classes, planned->second.images, where);
    // A network knows its classes by their places: those of what it learns from are those that it is judged by.
    for (const PlannedData* data : training_sets(plan)) {
        const std::vector<std::string> of_training = probe.classes(data->source);
        if (of_training == classes) continue;
        throw_usage({.attempted = "cannot train for another set's classes",
                     .where = "data." + data->source.name,
                     .found = "classes " + listed(of_training),
                     .expected = listed(classes) + ", as in " + where,
                     .hint = "both sets need the same classes under the same names"});
    }
    return classes;
}

}  // namespace fairsweep
