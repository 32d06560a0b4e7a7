#include "plan/stage_order.hpp"

#include "fairsweep/check.hpp"

namespace fairsweep {

namespace {

ProgramSettings program_of(const Plan& plan, const Stage& stage) {
    const auto found = plan.programs.find(stage.program);
    return found == plan.programs.end() ? ProgramSettings{} : found->second;
}

}  // namespace

StageOrder order_of(const Plan& plan, StageIndex stage, std::span<const Digest> artefacts) {
    FAIRSWEEP_CHECK(stage < plan.stages.size() && artefacts.size() == plan.stages.size(), "a stage of the plan, one digest each");
    const Stage& planned = plan.stages[stage];
    StageOrder order{.id = planned.id,
                     .kind = planned.kind,
                     .parameters = planned.parameters.text(),
                     .needs = {},
                     .data = {},
                     .groups = plan.groups,
                     .classes = plan.classes,
                     .program = program_of(plan, planned),
                     .run = plan.run,
                     .code_version = plan.code_version};
    for (const StageIndex need : planned.needs)
        order.needs.push_back({plan.stages[need].kind, plan.stages[need].id, artefacts[need]});
    for (const std::string& name : planned.data_sets) order.data.push_back(plan.data.at(name).source);
    return order;
}

}  // namespace fairsweep
