/// Developer's program, not installed: trains one network on procedural faces and compresses it, in this process, and
/// prints accuracy and time of every stage.
///   train_one FACES ARCHITECTURE [SEED [ARTEFACTS [EPOCHS [FINETUNE_LR]]]]
/// Prepared faces, baselines and teachers that an earlier call left in ARTEFACTS are used again.
#include <fmt/format.h>

#include <cstdlib>
#include <iostream>

#include "fairsweep/error.hpp"
#include "hand_made_plan.hpp"
#include "study/runner.hpp"
#include "study/stage_context.hpp"

namespace {

using namespace fairsweep;
using namespace fairsweep::study_test;

Recipe demo_recipe() {
    Recipe recipe;
    recipe.baseline_epochs = 6;
    recipe.baseline_batch_samples = 64;
    recipe.margin_scale = 16.0;
    recipe.margin_rad = 0.2;
    recipe.margin_warmup_fraction = 0.3;
    recipe.finetune_steps = 40;
    recipe.finetune_batch_samples = 64;
    recipe.embedding_loss_scale = 128.0;
    recipe.observer_steps = 299;
    recipe.dropout = 0.0;
    return recipe;
}

StageOutcome show(StageRunner& runner, const Plan& plan, StageIndex index, const std::string& name) {
    const StageOutcome outcome = run(runner, plan, index);
    std::string groups;
    double sum = 0.0;
    for (const GroupFigures& figures : outcome.groups) {
        groups += fmt::format(" {:6.2f}", figures.accuracy_10fold);
        sum += figures.accuracy_10fold;
    }
    if (!outcome.groups.empty()) groups += fmt::format("  average {:6.2f}", sum / static_cast<double>(outcome.groups.size()));
    std::cout << fmt::format(
                     "{:28} {:9} {:6.2f} s cpu {:6.2f} s  loss {:.4f} -> {:.4f}  cosine {:.4f}  sparsity {:.3f}  {:3} MB {} {}\n",
                     name, name_of(outcome.state), outcome.wall_s, outcome.cpu_s, outcome.loss_first, outcome.loss_last,
                     outcome.teacher_cosine, outcome.sparsity_measured, outcome.peak_memory_bytes >> 20, groups, outcome.message)
              << std::flush;
    return outcome;
}

int work(int argc, char** argv) {
    const std::string architecture = argv[2];
    const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
    const std::filesystem::path folder = argc > 4 ? argv[4] : "artefacts";
    const std::unique_ptr<StageRunner> runner = make_stage_runner(folder);
    Recipe recipe = demo_recipe();
    if (argc > 5) recipe.baseline_epochs = std::atoi(argv[5]);
    if (argc > 6) recipe.finetune_lr = std::atof(argv[6]);
    PlanBuilder builder(argv[1]);
    const StageIndex prepare = builder.prepare(input_size_of(architecture));
    const StageIndex baseline = builder.baseline(architecture, seed, recipe);
    const StageIndex dense = builder.evaluation(baseline, prepare, recipe);
    const auto make = [&](StageIndex stage, const std::string& name) {
        const Stage& wanted = builder.plan.stages[stage];
        const bool there = std::filesystem::exists(folder / (wanted.id.hex() + artefact_suffix(wanted.kind)));
        return there || show(*runner, builder.plan, stage, name).state == StageState::done;
    };
    if (!make(prepare, "prepare") || !make(baseline, "baseline")) return 1;
    (void)show(*runner, builder.plan, dense, "dense");
    for (const std::string calibration : {"train", "synthetic"}) {
        const StageIndex teacher = builder.teacher(baseline, calibration, recipe);
        if (!make(teacher, "teacher " + calibration)) return 1;
        StageOutcome sham;
        for (const int bits : {32, 16, 8, 4, 3})
            for (const double sparsity : {0.0, 0.7}) {
                const StageIndex arm =
                    builder.compression(baseline, teacher, calibration, {{bits, bits}, sparsity}, seed, recipe);
                const std::string name = fmt::format("{} bits {} sparsity {}", calibration.substr(0, 5), bits, sparsity);
                (void)show(*runner, builder.plan, arm, name);
                const StageOutcome outcome =
                    show(*runner, builder.plan, builder.evaluation(arm, prepare, recipe), "  evaluation");
                if (bits == 32 && sparsity == 0.0) sham = outcome;
                int differing = 0;
                for (std::size_t i = 0; i < outcome.scores.size(); ++i) {
                    const auto matches = [&](float score) { return static_cast<double>(score) >= sham.pooled_threshold; };
                    differing += matches(outcome.scores[i]) != matches(sham.scores[i]) ? 1 : 0;
                }
                std::cout << fmt::format("  {} of {} decisions differ from the sham arm's\n", differing, outcome.scores.size());
            }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: train_one FACES ARCHITECTURE [SEED [ARTEFACTS [EPOCHS [FINETUNE_LR]]]]\n";
        return 2;
    }
    try {
        return work(argc, argv);
    } catch (const fairsweep::Error& error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
}
