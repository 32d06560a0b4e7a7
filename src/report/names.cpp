#include "report/names.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

Configuration without_recipes(const Configuration& c) { return {.arm = c.arm, .axes = c.axes}; }

bool has_another(const std::set<std::string>& recipes, const std::string& own) {
    return recipes.size() > 1 || (recipes.size() == 1 && *recipes.begin() != own);
}

}  // namespace

Configuration configuration_of(const AnalysisPoint& point) {
    return {point.point.arm, point.point.axes, point.recipes.baseline, point.recipes.finetune, point.recipes.compression};
}

ConfigurationNames::ConfigurationNames(const std::vector<AnalysedConfiguration>& all, const std::vector<AxisInfo>& axes)
    : axes_(axes) {
    std::set<std::string> training_sets, distillations;
    for (const AnalysedConfiguration& item : all) {
        const Configuration& c = item.configuration;
        RecipesThere& recipes = recipes_[without_recipes(c)];
        recipes.baseline.insert(c.baseline_recipe);
        recipes.finetune.insert(c.finetune_recipe);
        recipes.compression.insert(c.compression_recipe);
        training_sets.insert(c.axes.training_set());
        if (c.arm == Arm::compressed) distillations.insert(c.axes.distillation());
    }
    training_sets_vary_ = training_sets.size() > 1;
    distillations_vary_ = distillations.size() > 1;
}

std::string ConfigurationNames::operator()(const Configuration& c) const {
    std::string text = c.axes.architecture();
    if (training_sets_vary_) text += ", trained on " + c.axes.training_set();
    if (c.arm == Arm::compressed) text += ", " + c.axes.bits().text() + " bits";
    if (c.arm != Arm::dense) text += ", " + c.axes.calibration() + " calibration";
    if (c.axes.sparsity() > 0.0) text += ", " + sparsity_text(c);
    if (c.arm != Arm::dense && distillations_vary_) text += ", distillation " + c.axes.distillation();
    for (std::size_t axis = count_of<Axis>; axis < c.axes.size(); ++axis)
        if (!std::holds_alternative<std::monostate>(c.axes[axis]))
            text += ", " + axes_.at(axis).name + " " + text_of(c.axes[axis]);
    return text + recipes(c);
}

/// The recipes in which a configuration differs from one that is equal in all axes.
std::string ConfigurationNames::recipes(const Configuration& c) const {
    const auto there = recipes_.find(without_recipes(c));
    if (there == recipes_.end()) return {};
    std::string text;
    const auto add = [&text](const char* name, const std::set<std::string>& all, const std::string& own) {
        if (has_another(all, own)) text += fmt::format(", {} recipe {}", name, own);
    };
    add("baseline", there->second.baseline, c.baseline_recipe);
    add("fine-tune", there->second.finetune, c.finetune_recipe);
    add("compression", there->second.compression, c.compression_recipe);
    return text;
}

std::string sparsity_text(const Configuration& configuration) {
    const bool usual = configuration.axes.pruning() == "none" || configuration.axes.pruning() == "global";
    return "sparsity " + exact_number(configuration.axes.sparsity()) + (usual ? "" : " (" + configuration.axes.pruning() + ")");
}

std::string counted(std::size_t count, const std::string& noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string number_or_none(std::size_t count) { return count == 0 ? "none" : std::to_string(count); }

std::string listed(const std::vector<std::string>& words, std::size_t most) {
    if (words.size() > most) {
        const std::vector<std::string> first(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(most));
        return fmt::format("{} and {} more", fmt::join(first, "; "), words.size() - most);
    }
    return fmt::format("{}", fmt::join(words, "; "));
}

std::string signed_points(double value) {
    constexpr double kRoundsToZero = 0.05;
    return std::abs(value) < kRoundsToZero ? "0.0" : fmt::format("{:+.1f}", value);
}

std::string signed_range(const Interval& interval) {
    return "[" + signed_points(interval.low) + ", " + signed_points(interval.high) + "]";
}

}  // namespace fairsweep
