#include "study/schedule.hpp"

#include <cstdint>

#include "support/catch.hpp"

using namespace fairsweep;

namespace {
Recipe recipe_with(double warmup, double margin_warmup) {
    Recipe recipe;
    recipe.baseline_schedule = "cosine";
    recipe.baseline_lr = 0.1;
    recipe.baseline_lr_warmup_fraction = warmup;
    recipe.margin_rad = 0.2;
    recipe.margin_warmup_fraction = margin_warmup;
    return recipe;
}
}  // namespace

TEST_CASE("The rate rises over the warm-up and then falls along half a cosine", "[schedule]") {
    const Recipe recipe = recipe_with(0.1, 0.0);
    CHECK(baseline_learning_rate(recipe, 0, 100) == Approx(0.01));
    CHECK(baseline_learning_rate(recipe, 9, 100) == Approx(0.1));
    CHECK(baseline_learning_rate(recipe, 10, 100) == Approx(0.1));
    CHECK(baseline_learning_rate(recipe, 55, 100) == Approx(0.05));
    CHECK(baseline_learning_rate(recipe, 99, 100) > 0.0);
    CHECK(baseline_learning_rate(recipe, 99, 100) < 0.001);
}

TEST_CASE("No warm-up, and nothing but warm-up, are both possible", "[schedule]") {
    CHECK(baseline_learning_rate(recipe_with(0.0, 0.0), 0, 100) == Approx(0.1));
    CHECK(baseline_learning_rate(recipe_with(1.0, 0.0), 99, 100) == Approx(0.1));
    CHECK(baseline_learning_rate(recipe_with(0.1, 0.0), 0, 1) == Approx(0.1));
}

TEST_CASE("The reference's baseline: 0.1 for 7 epochs, 0.01 for 6, 0.001 for 3", "[schedule]") {
    const Recipe recipe;  // preset quantface
    REQUIRE(recipe.baseline_epochs == 16);
    constexpr std::int64_t kStepsPerEpoch = 11372;
    for (std::int64_t epoch = 0; epoch < 16; ++epoch) {
        const double expected = epoch < 7 ? 0.1 : epoch < 13 ? 0.01 : 0.001;
        INFO("epoch " << epoch);
        for (const std::int64_t step : {std::int64_t{0}, kStepsPerEpoch / 2, kStepsPerEpoch - 1})
            CHECK(baseline_learning_rate(recipe, epoch * kStepsPerEpoch + step, 16 * kStepsPerEpoch) == Approx(expected));
    }
    Recipe web_face = recipe;  // its other training set: 40 epochs
    web_face.baseline_epochs = 40;
    web_face.baseline_milestones = {22, 30, 40};
    const auto rate = [&web_face](std::int64_t epoch) { return baseline_learning_rate(web_face, epoch * 979 + 978, 40 * 979); };
    CHECK(rate(20) == Approx(0.1));
    CHECK(rate(21) == Approx(0.01));
    CHECK(rate(28) == Approx(0.01));
    CHECK(rate(29) == Approx(0.001));
    CHECK(rate(39) == Approx(0.0001));
}

TEST_CASE("The reference's fine-tunes: constant on real images, a tenth in the last of 11 epochs on synthetic ones",
          "[schedule]") {
    Recipe recipe;
    REQUIRE(recipe.finetune_schedule == "constant");
    CHECK(finetune_learning_rate(recipe, 0, 11350, 11350) == 0.1);
    CHECK(finetune_learning_rate(recipe, 11349, 11350, 11350) == 0.1);
    recipe.finetune_schedule = "last-epoch";
    constexpr std::int64_t kStepsPerEpoch = 1031;
    for (std::int64_t epoch = 0; epoch < 11; ++epoch)
        for (const std::int64_t step : {std::int64_t{0}, kStepsPerEpoch - 1})
            CHECK(finetune_learning_rate(recipe, epoch * kStepsPerEpoch + step, 11 * kStepsPerEpoch, kStepsPerEpoch) ==
                  Approx(epoch < 10 ? 0.1 : 0.01));
    CHECK(finetune_learning_rate(recipe, 5, 100, 1031) == 0.1);  // one epoch has nothing to decay from
    CHECK(finetune_learning_rate(recipe, 1031, 1032, 1031) == Approx(0.01));
}

TEST_CASE("A fine-tune may follow half a cosine", "[schedule]") {
    Recipe recipe;
    recipe.finetune_schedule = "cosine";
    CHECK(finetune_learning_rate(recipe, 0, 100, 10) == Approx(0.1));
    CHECK(finetune_learning_rate(recipe, 50, 100, 10) == Approx(0.05));
    CHECK(finetune_learning_rate(recipe, 99, 100, 10) < 0.001);
}

TEST_CASE("The margin rises linearly and stays", "[schedule]") {
    const Recipe recipe = recipe_with(0.1, 0.3);
    CHECK(margin_share(recipe, 0, 100) == 0.0);
    CHECK(margin_share(recipe, 15, 100) == Approx(0.5));
    CHECK(margin_share(recipe, 30, 100) == 1.0);
    CHECK(margin_share(recipe_with(0.1, 0.0), 0, 100) == 1.0);
}

TEST_CASE("The loss trace keeps the first and the last tenth", "[schedule]") {
    LossTrace trace(20);
    for (int step = 0; step < 20; ++step) trace.add(step);
    CHECK(trace.first() == 0.5);
    CHECK(trace.last() == 18.5);
    LossTrace cut(20);
    CHECK(cut.first() == 0.0);
    cut.add(4);
    CHECK(cut.first() == 4.0);
    CHECK(cut.last() == 0.0);
    LossTrace single(1);
    single.add(2.0);
    CHECK(single.first() == 2.0);
    CHECK(single.last() == 2.0);
}

TEST_CASE("BatchNorm is live for all steps under quantface, and as the key says under modern") {
    Recipe recipe;
    recipe.batch_norm = "folded";
    CHECK(batch_norm_live_steps(recipe, 60) == 60);
    recipe.preset = "modern";
    CHECK(batch_norm_live_steps(recipe, 60) == 0);
    recipe.batch_norm = "live";
    CHECK(batch_norm_live_steps(recipe, 60) == 60);
    recipe.batch_norm = "frozen";
    CHECK(batch_norm_live_steps(recipe, 60) == 20);
    recipe.batch_norm_live_fraction = 0.0;
    CHECK(batch_norm_live_steps(recipe, 60) == 0);
}
