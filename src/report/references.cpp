#include "report/references.hpp"

#include <algorithm>

namespace fairsweep {
namespace {

bool is_part(const AxisValues& axes, std::size_t axis) {
    if (axis == index_of(Axis::bits) || axis == index_of(Axis::sparsity)) return false;
    return !std::holds_alternative<std::monostate>(axes[axis]);
}

/// The values at these axes, nothing elsewhere.
AxisValues values_at(const std::vector<bool>& parts, AxisValues axes) {
    for (std::size_t axis = 0; axis < axes.size(); ++axis)
        if (!parts[axis]) axes[axis] = {};
    return axes;
}

std::optional<std::size_t> first_of(const std::vector<std::size_t>& numbers) {
    return numbers.empty() ? std::nullopt : std::optional(numbers.front());
}

StandIns::Recipes finetuned(const Configuration& c) { return {c.baseline_recipe, c.finetune_recipe}; }

}  // namespace

void StandIns::add(const AxisValues& reference, const Recipes& recipes, std::size_t number) {
    Parts parts(reference.size());
    for (std::size_t axis = 0; axis < parts.size(); ++axis) parts[axis] = is_part(reference, axis);
    references_[parts][{recipes, values_at(parts, reference)}].push_back(number);
}

std::vector<std::size_t> StandIns::of(const AxisValues& treated, const Recipes& recipes) const {
    std::vector<std::size_t> numbers;
    for (const auto& [parts, references] : references_) {
        const auto found = references.find({recipes, values_at(parts, treated)});
        if (found != references.end()) numbers.insert(numbers.end(), found->second.begin(), found->second.end());
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

std::vector<std::size_t> twins_among(const StandIns& shams, const AxisValues& of, const StandIns::Recipes& recipes) {
    std::vector<std::size_t> numbers = shams.of(of, recipes);  // older plans gave a chain a sham under the chain's name
    AxisValues with_loss = of;
    with_loss[Axis::distillation] = loss_of(of.distillation());
    const std::vector<std::size_t> others = shams.of(with_loss, recipes);
    numbers.insert(numbers.end(), others.begin(), others.end());
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

References::References(const std::vector<AnalysedConfiguration>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Configuration& c = all[i].configuration;
        all_.emplace(c, i);
        if (c.arm == Arm::dense) dense_.add(c.axes, {c.baseline_recipe}, i);
        if (c.arm == Arm::sham) shams_.add(c.axes, finetuned(c), i);
    }
}

std::optional<std::size_t> References::same_as(const Configuration& wanted) const {
    const auto found = all_.find(wanted);
    return found == all_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::size_t> References::dense_of(const Configuration& configuration) const {
    return first_of(dense_.of(configuration.axes, {configuration.baseline_recipe}));
}

std::optional<std::size_t> References::sham_twin(const Configuration& configuration) const {
    return first_of(twins_among(shams_, configuration.axes, finetuned(configuration)));
}

std::optional<std::size_t> References::on_real_data(const Configuration& configuration) const {
    if (configuration.arm == Arm::dense || configuration.axes.calibration() == "real") return std::nullopt;
    Configuration on_real = configuration;
    on_real.axes[Axis::calibration] = "real";
    return same_as(on_real);
}

}  // namespace fairsweep
