#pragma once
/// A small sweep with all its data present, for the tests of the plan.
#include "plan/make_plan.hpp"

namespace fairsweep::test {

inline Sweep small_sweep() {
    Sweep sweep;
    sweep.name = "small";
    sweep.seeds = {1, 2};
    sweep.values(Axis::architecture) = {"iresnet10-w16-56", "mobilefacenet-w16-56"};
    sweep.values(Axis::training_set) = {"faces"};
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}, Bits{4, 4}, Bits{3, 3}};
    sweep.values(Axis::calibration) = {"real", "synthetic"};
    sweep.values(Axis::sparsity) = {0.0, 0.7};
    sweep.evaluation_data = "test";
    sweep.data["faces"] = {"faces", "recordio", "data/train", {}};
    sweep.data["synthetic"] = {"synthetic", "recordio", "data/synthetic", {}};
    sweep.data["test"] = {"test", "rfw", "data/test", {}};
    sweep.recipe.finetune_steps = 40;
    sweep.recipe.finetune_batch_samples = 64;
    sweep.recipe.baseline_epochs = 6;
    sweep.recipe.baseline_batch_samples = 64;
    return sweep;
}

/// The same sets in a job file.
inline constexpr const char* kSmallSweepData =
    "[evaluation]\ndata = test\n[data.faces]\nformat = recordio\npath = faces\n[data.synthetic]\nformat = recordio\n"
    "path = synthetic\n[data.test]\nformat = rfw\npath = test\n";

/// All data present; the content of a set is its name.
inline DataProbe present_probe() {
    return {[](const DataSource&) { return true; }, [](const DataSource& source) { return sha256("content of " + source.name); },
            [](const DataSource&) {
                return std::vector<std::string>{"A", "B", "C", "D"};
            },
            [](const DataSource&, bool is_evaluation) { return std::uint64_t{is_evaluation ? 2400U : 4000U}; }};
}

inline Plan small_plan() { return make_plan(small_sweep(), present_probe(), "test"); }

inline std::uint64_t points_of(const Plan& plan, Arm arm) {
    std::uint64_t count = 0;
    for (const Point& point : plan.points) count += point.arm == arm ? 1 : 0;
    return count;
}

inline std::uint64_t stages_of(const Plan& plan, StageKind kind) {
    std::uint64_t count = 0;
    for (const Stage& stage : plan.stages) count += stage.kind == kind ? 1 : 0;
    return count;
}

}  // namespace fairsweep::test
