#include "plan/cost.hpp"

#include "fairsweep/error.hpp"
#include "plan/estimate.hpp"
#include "plan/stage_kinds.hpp"
#include "small_sweep.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::test;

TEST_CASE("multiply-accumulates and weights of the full-size networks are the published ones") {
    CHECK(network_size("iresnet18").macs == 2609954816.0);
    CHECK(network_size("iresnet34").macs == 4459642880.0);
    CHECK(network_size("iresnet50").macs == 6309330944.0);
    CHECK(network_size("iresnet100").macs == 12089606144.0);
    CHECK(network_size("mobilefacenet").macs == 220965376.0);
    CHECK(network_size("iresnet18").weights == 24008384.0);
    CHECK(network_size("iresnet100").weights == 65074880.0);
    CHECK(network_size("mobilefacenet").weights == 976000.0);
    CHECK(network_size("mobilefacenet").embedding_size == 128);
    CHECK_THROWS_AS(network_size("resnet"), Error);
}

TEST_CASE("reduced networks are smaller") {
    CHECK(network_size("iresnet10-w16-56").weights == Approx(0.37e6).epsilon(0.05));
    CHECK(network_size("mobilefacenet-w16-56").weights == Approx(44e3).epsilon(0.1));
    CHECK(network_size("iresnet18-w32").macs < network_size("iresnet18").macs / 4);
}

TEST_CASE("costs are near what was measured on one core") {
    StageParameters parameters;
    parameters.architecture = "iresnet10-w16-56";
    parameters.recipe = small_sweep().recipe;
    const auto cost_of = [&parameters](StageKind kind, std::uint64_t images) {
        parameters.kind = kind;
        return info_of(kind).cost_s(parameters, static_cast<double>(images));
    };
    CHECK(cost_of(StageKind::baseline, 4000) == Approx(33).epsilon(0.25));
    CHECK(cost_of(StageKind::compression, 4000) == Approx(4.5).epsilon(0.3));
    CHECK(cost_of(StageKind::evaluation, 2400) == Approx(1.3).epsilon(0.4));
    const double float_s = cost_of(StageKind::compression, 4000);
    parameters.bits = {4, 4};
    CHECK(cost_of(StageKind::compression, 4000) > float_s);
    parameters.architecture = "mobilefacenet-w16-56";
    CHECK(cost_of(StageKind::baseline, 4000) == Approx(40).epsilon(0.3));
    parameters.architecture = "iresnet18";
    parameters.recipe.baseline_epochs = 1;
    CHECK(cost_of(StageKind::baseline, 6000) == Approx(1000).epsilon(0.1));
}

TEST_CASE("an estimate is bounded by work and by the longest chain, and done stages cost nothing") {
    const Plan plan = small_plan();
    const PlanEstimate one = estimate(plan, {}, 1);
    const PlanEstimate two = estimate(plan, {}, 2);
    const PlanEstimate many = estimate(plan, {}, 1000);
    double sum_s = 0;
    for (const Stage& stage : plan.stages) sum_s += stage.cost_s;
    CHECK(one.cost_s == Approx(sum_s));
    CHECK(one.eta_low_s < sum_s);
    CHECK(one.eta_high_s > sum_s);
    CHECK(two.eta_low_s == Approx(one.eta_low_s / 2));
    CHECK(many.eta_low_s > one.eta_low_s / 1000);  // a baseline and what follows it still take their time
    CHECK(many.eta_low_s < two.eta_low_s);
    CHECK(one.disk_bytes > plan.stages.size() * 1000);
    CHECK(one.disk_bytes == many.disk_bytes);

    std::vector<bool> is_done(plan.stages.size(), true);
    const PlanEstimate none = estimate(plan, is_done, 2);
    CHECK(none.cost_s == 0);
    CHECK(none.eta_high_s == 0);
    is_done.back() = false;
    CHECK(estimate(plan, is_done, 2).cost_s == Approx(plan.stages.back().cost_s));
}

TEST_CASE("the longest chain is shorter where teams share its stages, as many ranks as a batch has parts") {
    Sweep sweep = small_sweep();
    const auto high_s = [&sweep](int workers) { return estimate(make_plan(sweep, present_probe(), "test"), {}, workers).eta_high_s; };
    const double alone_s = high_s(1000);
    sweep.recipe.shards = 4;
    const double by_four_s = high_s(1000);
    CHECK(by_four_s < 0.5 * alone_s);  // trainings take a quarter; teachers and evaluations as long as before
    CHECK(by_four_s > 0.25 * alone_s);
    sweep.run.team_ranks = 1;
    CHECK(high_s(1000) == Approx(alone_s));
}

TEST_CASE("well-known data sets have their published size while they are missing") {
    CHECK(assumed_images("ms1mv2", false) == 5822653);
    CHECK(assumed_images("rfw", true) == 40607);
    CHECK(assumed_images("anything", false) > 0);
    CHECK(assumed_images("anything", true) > 0);
}
