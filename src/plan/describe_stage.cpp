#include "plan/describe_stage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

/// The first point whose network or evaluation this is, or whose network needs it.
const Point* first_point(const Plan& plan, StageIndex stage) {
    for (const Point& point : plan.points) {
        if (point.network_stage == stage || point.evaluation_stage == stage) return &point;
    }
    for (const Point& point : plan.points) {
        const auto& needs = plan.stages[point.network_stage].needs;
        if (std::find(needs.begin(), needs.end(), stage) != needs.end()) return &point;
    }
    return nullptr;
}

}  // namespace

std::string describe_stage(const Plan& plan, StageIndex stage) {
    if (stage >= plan.stages.size()) return fmt::format("unknown stage {}", stage);
    const Stage& meant = plan.stages[stage];
    std::string text = name_of(meant.kind);
    const Point* point = meant.kind == StageKind::prepare ? nullptr : first_point(plan, stage);
    if (point != nullptr) {
        text += fmt::format(" {}, {}", point->axes.architecture(), point->axes.training_set());
        const bool of_one_network = meant.kind == StageKind::compression || meant.kind == StageKind::evaluation;
        if (of_one_network && point->arm != Arm::dense)
            text +=
                fmt::format(", {}, bits {}, sparsity {}", name_of(point->arm), point->axes.bits().text(), exact_number(point->axes.sparsity()));
        text += fmt::format(", seed {}", point->seed);
    }
    return text + fmt::format(" ({})", meant.id.short_hex());
}

}  // namespace fairsweep
