#include "plan/describe_stage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fairsweep/text.hpp"
#include "plan/stage_kinds.hpp"

namespace fairsweep {
namespace {

/// The first point whose network this is, or that it measures, or whose network needs it.
const Point* first_point(const Plan& plan, StageIndex stage) {
    for (const Point& point : plan.points) {
        if (point.network_stage == stage || point.evaluation_stage == stage) return &point;
        if (std::find(point.measurements.begin(), point.measurements.end(), stage) != point.measurements.end()) return &point;
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
    if (!meant.program.text().empty()) text += " " + meant.program.text();
    const StageKindInfo& kind = info_of(meant.kind);
    const Point* point = kind.has_architecture ? first_point(plan, stage) : nullptr;
    if (point != nullptr) {
        text += fmt::format(" {}, {}", point->axes.architecture(), point->axes.training_set());
        const bool of_one_network = kind.has_compression || kind.measures_points || meant.kind == StageKind::external;
        if (of_one_network && point->arm != Arm::dense)
            text += fmt::format(", {}, bits {}, sparsity {}", name_of(point->arm), point->axes.bits().text(),
                                exact_number(point->axes.sparsity()));
        text += fmt::format(", seed {}", point->seed);
    }
    return text + fmt::format(" ({})", meant.id.short_hex());
}

}  // namespace fairsweep
