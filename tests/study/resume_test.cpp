/// Stages that were stopped or lost at any step leave what an uninterrupted run leaves, bit for bit.
#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fairsweep/files.hpp"
#include "fairsweep/random.hpp"
#include "hand_made_plan.hpp"
#include "plan/stage_order.hpp"
#include "same_outcome.hpp"
#include "study/runner.hpp"
#include "study/stage_context.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kNetwork = "mobilefacenet-w16-56";

struct Lost : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A stage run in a folder that has what it needs, without an end until all interruptions have happened.
class Interrupted {
public:
    Interrupted(const PlanBuilder& builder, StageIndex stage, const std::vector<StageIndex>& needs, const std::string& folder)
        : builder_(builder), stage_(stage), folder_(folder) {
        fill_with_done(folder, builder.plan, needs);
        runner_ = make_stage_runner(folder);
    }

    StageOutcome run(const StageMonitor& monitor = {}, double checkpoint_s = 1e9) {
        StageOrder order = order_of(builder_.plan, stage_, std::vector<Digest>(builder_.plan.stages.size()));
        order.run.checkpoint_s = checkpoint_s;
        return runner_->run(order, monitor);
    }
    /// Asked to stop after so many steps of this attempt.
    StageOutcome stopped_after(int steps) {
        int seen = 0;
        return run({.on_progress = [&seen](double) { ++seen; }, .stop_requested = [&seen, steps] { return seen >= steps; }});
    }
    /// Gone after so many steps, without a word.
    StageOutcome lost_after(int steps, double checkpoint_s) {
        int seen = 0;
        return run({.on_progress =
                        [&seen, steps](double) {
                            if (++seen >= steps) throw Lost("lost");
                        },
                    .stop_requested = {}},
                   checkpoint_s);
    }
    fs::path resume_file(const char* suffix = ".resume") const {
        return fs::path(folder_) / (builder_.plan.stages[stage_].id.hex() + suffix);
    }

private:
    const PlanBuilder& builder_;
    StageIndex stage_;
    std::string folder_;
    std::unique_ptr<StageRunner> runner_;
};

void check_same(const StageOutcome& found, const StageOutcome& expected) {
    check_same_outcome(found, expected);
    CHECK(found.artefact == expected.artefact);
}

/// Without an interruption; stopped at every one of several random steps; lost, with a state after every step.
void check_resumes(const PlanBuilder& builder, StageIndex stage, const std::vector<StageIndex>& needs, int steps,
                   const char* suffix = ".resume") {
    static int folder = 0;
    const std::string name = "run" + std::to_string(folder++);
    Interrupted whole(builder, stage, needs, name + "whole");
    const StageOutcome expected = whole.run();
    INFO(expected.message);
    REQUIRE(expected.state == StageState::done);
    CHECK_FALSE(fs::exists(whole.resume_file(suffix)));

    RandomStream random(stage, builder.plan.stages[stage].id.prefix(), "resume test", 0);
    Interrupted stopped(builder, stage, needs, name + "stopped");
    for (int left = steps; left > 1;) {
        const int more = 1 + static_cast<int>(random.next_u64() % static_cast<std::uint64_t>(std::max(1, left / 2)));
        const StageOutcome outcome = stopped.stopped_after(more);
        INFO("of " << left << " steps stopped after " << more << ": " << outcome.message);
        REQUIRE(outcome.state == StageState::preempted);
        REQUIRE(fs::exists(stopped.resume_file(suffix)));
        left -= more;
    }
    check_same(stopped.run(), expected);
    CHECK_FALSE(fs::exists(stopped.resume_file(suffix)));

    Interrupted lost(builder, stage, needs, name + "lost");
    const int before = 1 + static_cast<int>(random.next_u64() % static_cast<std::uint64_t>(steps - 1));
    CHECK(lost.lost_after(before, 0.0).state == StageState::failed);
    CHECK(lost.lost_after(1, 0.0).state == StageState::failed);
    check_same(lost.run(), expected);
}

Recipe recipe_of(const std::string& preset, const std::vector<std::pair<std::string Recipe::*, std::string>>& words = {}) {
    Recipe recipe = small_recipe();
    recipe.preset = preset;
    recipe.finetune_steps = 8;
    recipe.observer_steps = 6;
    for (const auto& [field, word] : words) recipe.*field = word;
    return recipe;
}

}  // namespace

TEST_CASE("a baseline goes on bit for bit", "[resume]") {
    make_small_faces("faces");
    PlanBuilder builder("faces");
    Recipe recipe = small_recipe();
    recipe.baseline_epochs = 2;
    recipe.margin_loss = GENERATE(std::string("elastic-cosface"), std::string("arcface"));
    recipe.augmentation = "light";
    recipe.head = recipe.margin_loss == "arcface" ? "sharded" : "whole";
    recipe.shards = 2;
    recipe.head_sampling = 0.7;
    const StageIndex stage = builder.baseline(kNetwork, 3, recipe);
    const auto steps = static_cast<int>(72 / recipe.baseline_batch_samples * recipe.baseline_epochs);
    check_resumes(builder, stage, {}, steps);
}

TEST_CASE("a fine-tune goes on bit for bit, under both presets and in all orders", "[resume]") {
    make_small_faces("faces");
    PlanBuilder builder("faces");
    const StageIndex baseline = builder.baseline(kNetwork, 1, small_recipe());
    const auto check = [&](const Recipe& recipe, PlanBuilder::Arm arm) {
        const StageIndex teacher = builder.teacher(baseline, "synthetic", recipe);
        const StageIndex stage = builder.compression(baseline, teacher, "synthetic", arm, 5, recipe);
        check_resumes(builder, stage, {baseline, teacher}, static_cast<int>(recipe.finetune_steps));
    };
    SECTION("sham") { check(recipe_of("quantface"), {.bits = {32, 32}}); }
    SECTION("quantface, 4 bits") { check(recipe_of("quantface"), {.bits = {4, 4}}); }
    SECTION("quantface, pruned and quantised together") { check(recipe_of("quantface"), {.bits = {6, 6}, .sparsity = 0.5}); }
    const std::string order = GENERATE(std::string("together"), std::string("prune-first"), std::string("quantise-first"));
    SECTION("quantface in every order") {
        check(recipe_of("quantface", {{&Recipe::order, order}, {&Recipe::sparsity_schedule, "cubic"}}),
              {.bits = {8, 8}, .sparsity = 0.5});
    }
    SECTION("modern in every order, learned steps") {
        check(recipe_of("modern", {{&Recipe::order, order},
                                   {&Recipe::batch_norm, "frozen"},
                                   {&Recipe::weight_range, "learned"},
                                   {&Recipe::activation_range, "learned"}}),
              {.bits = {4, 4}, .sparsity = 0.5});
    }
    SECTION("modern, folded, moving averages, channels") {
        check(recipe_of("modern", {{&Recipe::order, order},
                                   {&Recipe::batch_norm, "folded"},
                                   {&Recipe::activation_range, "moving-average"},
                                   {&Recipe::sparsity_pattern, "channels"}}),
              {.bits = {4, 8}, .sparsity = 0.25});
    }
}

TEST_CASE("a teacher and an evaluation go on batch by batch", "[resume]") {
    make_small_faces("more faces", 40);
    PlanBuilder builder("more faces");
    const StageIndex baseline = builder.baseline(kNetwork, 1, small_recipe());
    const StageIndex prepare = builder.prepare(56);
    SECTION("teacher of 72 images") {
        const StageIndex teacher = builder.teacher(baseline, "train", small_recipe());
        check_resumes(builder, teacher, {baseline}, 2, ".rows");
    }
    SECTION("evaluation") {
        const StageIndex evaluation = builder.evaluation(baseline, prepare, small_recipe());
        check_resumes(builder, evaluation, {baseline, prepare}, 2, ".rows");
    }
}

TEST_CASE("what other files began is not gone on from", "[resume]") {
    make_small_faces("more faces", 40);
    PlanBuilder builder("more faces");
    const StageIndex baseline = builder.baseline(kNetwork, 1, small_recipe());
    const StageIndex teacher = builder.teacher(baseline, "train", small_recipe());
    Interrupted stage(builder, teacher, {baseline}, "needs");
    REQUIRE(stage.stopped_after(1).state == StageState::preempted);
    StageOrder order = order_of(builder.plan, teacher, std::vector<Digest>(builder.plan.stages.size()));
    order.needs.front().sha256 = sha256_of_file(artefact_path("needs", StageKind::baseline, builder.plan.stages[baseline].id));
    int batches = 0;
    const StageMonitor counting{.on_progress = [&batches](double) { ++batches; }, .stop_requested = {}};
    CHECK(make_stage_runner("needs")->run(order, counting).state == StageState::done);
    CHECK(batches == 2);  // of 64 and 8 images: both
}

TEST_CASE("a state that is damaged or of another build is not gone on from", "[resume]") {
    make_small_faces("faces");
    PlanBuilder builder("faces");
    const StageIndex stage = builder.baseline(kNetwork, 4, small_recipe());
    Interrupted whole(builder, stage, {}, "intact");
    const StageOutcome expected = whole.run();
    Interrupted again(builder, stage, {}, "damaged");
    REQUIRE(again.stopped_after(2).state == StageState::preempted);
    SECTION("damaged") {
        std::string bytes = read_text_file(again.resume_file());
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        write_file_atomically(again.resume_file(), std::string_view(bytes));
    }
    SECTION("cut short") { fs::resize_file(again.resume_file(), 1000); }
    SECTION("of another stage") {
        const StageIndex other = builder.baseline(kNetwork, 5, small_recipe());
        Interrupted different(builder, other, {}, "other");
        REQUIRE(different.stopped_after(2).state == StageState::preempted);
        fs::copy_file(different.resume_file(), again.resume_file(), fs::copy_options::overwrite_existing);
    }
    SECTION("of another build") {
        builder.plan.code_version = "another";
        int seen = 0;
        const StageOutcome outcome = again.run({.on_progress = [&seen](double) { ++seen; }, .stop_requested = {}});
        CHECK(outcome.measured[Metric::loss_last] == expected.measured[Metric::loss_last]);
        CHECK(seen == 4 * small_recipe().baseline_epochs);  // from the first step on
        return;
    }
    check_same(again.run(), expected);
}
