#include "study/schedule.hpp"

#include "support/catch.hpp"

using namespace fairsweep;

namespace {
Recipe recipe_with(double warmup, double margin_warmup) {
    Recipe recipe;
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

TEST_CASE("The margin rises linearly and stays", "[schedule]") {
    const Recipe recipe = recipe_with(0.1, 0.3);
    CHECK(baseline_margin_rad(recipe, 0, 100) == 0.0);
    CHECK(baseline_margin_rad(recipe, 15, 100) == Approx(0.1));
    CHECK(baseline_margin_rad(recipe, 30, 100) == 0.2);
    CHECK(baseline_margin_rad(recipe_with(0.1, 0.0), 0, 100) == 0.2);
}

TEST_CASE("Ranges are learnt in the first observer_steps steps", "[schedule]") {
    Recipe recipe;
    recipe.observer_steps = 3;
    CHECK(observes_at(recipe, 2));
    CHECK_FALSE(observes_at(recipe, 3));
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
