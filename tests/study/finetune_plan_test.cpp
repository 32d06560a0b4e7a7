#include "study/finetune_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace fairsweep;

namespace {

StageParameters parameters_of(Bits bits, double sparsity, const std::string& order, const std::string& schedule, int steps) {
    StageParameters parameters;
    parameters.kind = StageKind::compression;
    parameters.bits = bits;
    parameters.sparsity = sparsity;
    parameters.recipe.order = order;
    parameters.recipe.sparsity_schedule = schedule;
    parameters.recipe.finetune_steps = steps;
    parameters.recipe.observer_steps = 10;
    return parameters;
}

/// Steps before which a mask is set, and its sparsity.
std::vector<std::pair<std::int64_t, double>> masks(const FinetunePlan& plan) {
    std::vector<std::pair<std::int64_t, double>> result;
    for (std::int64_t step = 0; step < plan.steps; ++step)
        if (const auto sparsity = plan.sparsity_at(step)) result.emplace_back(step, *sparsity);
    return result;
}

using Masks = std::vector<std::pair<std::int64_t, double>>;

}  // namespace

TEST_CASE("The sham arm has neither masks nor quantisers, whatever the recipe says", "[finetune]") {
    for (const char* order : {"together", "prune-first", "quantise-first"}) {
        const FinetunePlan plan = plan_finetune(parameters_of({32, 32}, 0.0, order, "cubic", 40));
        CHECK(plan.quantise_at == 40);
        CHECK(masks(plan).empty());
        for (std::int64_t step = 0; step < 40; ++step) CHECK_FALSE(plan.observes_at(step));
    }
}

TEST_CASE("One shot prunes once, at the step that the order gives", "[finetune]") {
    const auto plan = [](const char* order) { return plan_finetune(parameters_of({4, 8}, 0.7, order, "one-shot", 40)); };
    CHECK(plan("together").quantise_at == 0);
    CHECK(masks(plan("together")) == Masks{{0, 0.7}});
    CHECK(plan("prune-first").quantise_at == 20);
    CHECK(masks(plan("prune-first")) == Masks{{0, 0.7}});
    CHECK(plan("quantise-first").quantise_at == 0);
    CHECK(masks(plan("quantise-first")) == Masks{{20, 0.7}});
}

TEST_CASE("Ranges are learnt from the step on that quantises", "[finetune]") {
    const FinetunePlan plan = plan_finetune(parameters_of({4, 4}, 0.7, "prune-first", "one-shot", 40));
    for (std::int64_t step = 0; step < 40; ++step) CHECK(plan.observes_at(step) == (step >= 20 && step < 30));
    const FinetunePlan together = plan_finetune(parameters_of({4, 4}, 0.0, "together", "one-shot", 5));
    for (std::int64_t step = 0; step < 5; ++step) CHECK(together.observes_at(step));
    // The reference's 299 updates.
    StageParameters reference = parameters_of({8, 8}, 0.0, "together", "one-shot", 11350);
    reference.recipe.observer_steps = Recipe{}.observer_steps;
    CHECK(plan_finetune(reference).observes_at(298));
    CHECK_FALSE(plan_finetune(reference).observes_at(299));
}

TEST_CASE("A network that is only pruned has no order", "[finetune]") {
    for (const char* order : {"together", "prune-first", "quantise-first"}) {
        const FinetunePlan plan = plan_finetune(parameters_of({32, 32}, 0.5, order, "one-shot", 40));
        CHECK(plan.quantise_at == 40);
        CHECK(masks(plan) == Masks{{0, 0.5}});
    }
}

TEST_CASE("The cubic schedule follows Zhu and Gupta's equation 1 over 60 % of the steps", "[finetune]") {
    const Masks found = masks(plan_finetune(parameters_of({32, 32}, 0.9, "together", "cubic", 50)));
    REQUIRE(found.size() == 30);
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double t = static_cast<double>(i + 1);  // s_t = s_f + (s_i - s_f) (1 - t / 30)^3, s_i = 0
        CHECK(found[i].first == static_cast<std::int64_t>(i + 1));
        CHECK(found[i].second == Approx(0.9 + (0.0 - 0.9) * (1 - t / 30) * (1 - t / 30) * (1 - t / 30)));
    }
    CHECK(found.back().second == 0.9);  // exactly
}

TEST_CASE("Long fine-tunes update the mask a hundred times at most", "[finetune]") {
    const Masks found = masks(plan_finetune(parameters_of({32, 32}, 0.9, "together", "cubic", 11350)));
    CHECK(found.size() <= 100);
    CHECK(found.size() >= 90);
    CHECK(found.front().first == 69);  // 6810 steps in hundreds
    CHECK(found.back().first <= 6810);
    CHECK(found.back().second == 0.9);
}

TEST_CASE("The mask grows in the part of the steps that the order gives", "[finetune]") {
    const Masks first = masks(plan_finetune(parameters_of({4, 4}, 0.8, "prune-first", "cubic", 40)));
    CHECK(first.front().first == 1);
    CHECK(first.back() == std::pair<std::int64_t, double>{12, 0.8});  // 60 % of 20, then 8 steps to recover
    const Masks last = masks(plan_finetune(parameters_of({4, 4}, 0.8, "quantise-first", "cubic", 40)));
    CHECK(last.front().first == 21);
    CHECK(last.back() == std::pair<std::int64_t, double>{32, 0.8});
}

TEST_CASE("Few steps still reach the sparsity", "[finetune]") {
    for (int steps = 1; steps <= 6; ++steps) {
        for (const char* order : {"together", "prune-first", "quantise-first"}) {
            INFO(steps << " steps, " << order);
            const Masks found = masks(plan_finetune(parameters_of({4, 4}, 0.8, order, "cubic", steps)));
            REQUIRE_FALSE(found.empty());
            CHECK(found.back().second == 0.8);
        }
    }
}
