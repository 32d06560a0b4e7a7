#pragma once
/// The stages of one point of one device, on a pretended GPU or on the processor (tests/support/pretended_gpu.cpp).
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "device/gpu.hpp"
#include "hand_made_plan.hpp"
#include "plan/stage_order.hpp"
#include "same_outcome.hpp"
#include "study/runner.hpp"
#include "study/safetensors.hpp"
#include "study/stage_context.hpp"
#include "support/catch.hpp"

namespace fairsweep::study_test {

/// Before the first backward pass of this process.
inline void use_pretended_gpu() {
    ::setenv("FAIRSWEEP_CUDA_PLUGIN", FAIRSWEEP_PRETENDED_GPU, 1);
    static_cast<void>(own_gpu());
}

inline void check_same_tensors(const std::filesystem::path& a, const std::filesystem::path& b) {
    const SafetensorsFile left(a), right(b);
    REQUIRE(left.tensors().size() == right.tensors().size());
    for (const auto& [name, entry] : left.tensors()) {
        INFO(name);
        REQUIRE(right.tensors().contains(name));
        const auto of_left = left.bytes(entry), of_right = right.bytes(right.tensors().at(name));
        REQUIRE(of_left.size() == of_right.size());
        CHECK(std::memcmp(of_left.data(), of_right.data(), of_left.size()) == 0);
    }
}

/// All stages of one point, of one device.
struct Chain {
    Chain(const std::string& device, Recipe recipe, PlanBuilder::Arm arm, const std::string& architecture) : builder("faces") {
        recipe.device = device;
        prepare = builder.prepare(56);
        baseline = builder.baseline(architecture, 3, recipe);
        teacher = builder.teacher(baseline, "synthetic", recipe);
        compression = builder.compression(baseline, teacher, "synthetic", arm, 3, recipe);
        evaluation = builder.evaluation(compression, prepare, recipe);
        digests.resize(builder.plan.stages.size());
    }
    StageOutcome run(StageRunner& runner, StageIndex stage, const StageMonitor& monitor = {}) {
        const StageOutcome outcome = runner.run(order_of(builder.plan, stage, digests), monitor);
        if (outcome.state == StageState::done) digests[stage] = outcome.artefact;
        return outcome;
    }
    std::vector<StageIndex> stages() const { return {baseline, teacher, compression, evaluation}; }
    std::filesystem::path artefact(const std::string& folder, StageIndex stage) const {
        return artefact_path(folder, builder.plan.stages[stage].kind, builder.plan.stages[stage].id);
    }

    PlanBuilder builder;
    StageIndex prepare, baseline, teacher, compression, evaluation;
    std::vector<Digest> digests;
};

inline Recipe recipe_of(const std::string& preset, int shards) {
    Recipe recipe = small_recipe();
    recipe.preset = preset;
    recipe.shards = shards;
    recipe.dropout = 0.4;
    recipe.margin_loss = "elastic-arcface";
    return recipe;
}

}  // namespace fairsweep::study_test
