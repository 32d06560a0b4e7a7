#include "report/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

template <typename Value>
bool varies(const std::vector<Configuration>& all, Value value) {
    return std::any_of(all.begin(), all.end(), [&](const Configuration& c) { return value(c) != value(all.front()); });
}

}  // namespace

Configuration configuration_of(const AnalysisPoint& point) {
    return {point.point.arm, point.point.axes, point.recipes.baseline, point.recipes.finetune, point.recipes.compression};
}

ConfigurationNames::ConfigurationNames(const std::vector<AnalysedConfiguration>& all, const std::vector<AxisInfo>& axes)
    : axes_(axes) {
    std::vector<Configuration> compressed;
    for (const AnalysedConfiguration& c : all) {
        all_.push_back(c.configuration);
        if (c.configuration.arm == Arm::compressed) compressed.push_back(c.configuration);
    }
    training_sets_vary_ = varies(all_, [](const Configuration& c) { return c.axes.training_set(); });
    distillations_vary_ = varies(compressed, [](const Configuration& c) { return c.axes.distillation(); });
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
    std::string text;
    const auto add = [&](const char* name, std::string Configuration::*recipe) {
        const bool differs = std::any_of(all_.begin(), all_.end(), [&](Configuration other) {
            const bool other_recipe = other.*recipe != c.*recipe;
            other.baseline_recipe = c.baseline_recipe;
            other.finetune_recipe = c.finetune_recipe;
            other.compression_recipe = c.compression_recipe;
            return other_recipe && other == c;
        });
        if (differs) text += fmt::format(", {} recipe {}", name, c.*recipe);
    };
    add("baseline", &Configuration::baseline_recipe);
    add("fine-tune", &Configuration::finetune_recipe);
    add("compression", &Configuration::compression_recipe);
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
