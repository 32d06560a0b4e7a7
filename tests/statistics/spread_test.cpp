#include "statistics/spread.hpp"

#include <algorithm>
#include <cmath>

#include "latent_model.hpp"
#include "metrics/fairness.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {
const LatentModel kModel{.groups = 4, .identities = 80, .pairs = 800};

struct Example {
    ItemTable table = latent_pairs(kModel, 9);
    PairClusters clusters{table};
    IdentityBootstrap bootstrap{clusters.identities(), 2000, 7};
    std::vector<double> latent = latent_values(kModel, table, 9, 0, 0.0);
};
}  // namespace

TEST_CASE("Bootstrap weights have mean 1 and variance 1, and belong to the person") {
    const IdentityBootstrap many(50, 20000, 3);
    for (const std::uint32_t person : {0U, 49U}) {
        std::vector<double> sums(50, 0.0);
        sums[person] = 1.0;
        const auto deviations = many.deviations(sums);
        const double mean = average(deviations).value();
        const double variance = std::pow(sample_deviation(deviations).value(), 2);
        CHECK(std::abs(mean) < 5.0 / std::sqrt(20000.0));
        CHECK(std::abs(variance - 1.0) < 5.0 * std::sqrt(3.0 / 20000.0));  // fourth central moment of Poisson(1) is 4
    }
    const IdentityBootstrap fewer_people(10, 20000, 3);
    std::vector<double> first_of_ten(10, 0.0);
    std::vector<double> first_of_fifty(50, 0.0);
    first_of_ten[4] = first_of_fifty[4] = 1.0;
    CHECK(fewer_people.deviations(first_of_ten) == many.deviations(first_of_fifty));
}

TEST_CASE("Rescaled replicates have the dyadic variance of the group's accuracy") {
    const Example example;
    const auto correct = latent_decisions(example.table, example.latent, {0.95, 0.92, 0.9, 0.8});
    const GroupAccuracies groups = group_accuracies(example.clusters, example.bootstrap, correct);
    for (std::size_t g = 0; g < 4; ++g) {
        const double spread = groups.scale[g] * sample_deviation(groups.raw_deviations[g]).value();
        CHECK(spread == Approx(std::sqrt(groups.rates[g].variance)).epsilon(0.07));  // 4 standard errors of an sd from 2000
        CHECK(groups.scale[g] <= 1.0);  // impostor noise is counted twice in the bootstrap
    }
}

TEST_CASE("Clearly unequal groups get a two-sided interval, equal ones start at the boundary") {
    const Example example;
    const auto unequal = group_accuracies(example.clusters, example.bootstrap,
                                          latent_decisions(example.table, example.latent, {0.97, 0.92, 0.9, 0.7}));
    const SpreadIntervals wide = spread_intervals(unequal).value();
    CHECK(wide.homogeneity_p < 1e-6);
    CHECK(wide.deviation.low > 0.05);
    CHECK(wide.error_ratio.low > 1.5);
    CHECK(wide.gap.low > 0.1);
    const double deviation = sample_deviation(unequal.accuracies()).value();
    CHECK(wide.deviation.low + wide.deviation.high == Approx(2.0 * deviation));

    const auto equal = group_accuracies(example.clusters, example.bootstrap,
                                        latent_decisions(example.table, example.latent, {0.9, 0.9, 0.9, 0.9}));
    const SpreadIntervals boundary = spread_intervals(equal).value();
    CHECK(boundary.homogeneity_p > 0.025);
    CHECK(boundary.deviation.low == 0.0);
    CHECK(boundary.gap.low == 0.0);
    CHECK(boundary.error_ratio.low == 1.0);
    CHECK(boundary.deviation.high >= sample_deviation(equal.accuracies()).value());
}

TEST_CASE("SER has an interval even where a group makes no error, and one group has no spread") {
    const Example example;
    std::vector<std::uint8_t> correct = latent_decisions(example.table, example.latent, {0.9, 0.9, 0.9, 0.9});
    std::fill(correct.begin(), correct.begin() + kModel.pairs, 1);
    const SpreadIntervals intervals = spread_intervals(group_accuracies(example.clusters, example.bootstrap, correct)).value();
    CHECK(std::isfinite(intervals.error_ratio.high));
    CHECK(intervals.error_ratio.low >= 1.0);

    const LatentModel one{.groups = 1, .identities = 20, .pairs = 100};
    const ItemTable table = latent_pairs(one, 1);
    const PairClusters clusters(table);
    const IdentityBootstrap bootstrap(clusters.identities(), 100, 1);
    const auto single = group_accuracies(clusters, bootstrap, std::vector<std::uint8_t>(100, 1));
    CHECK_FALSE(spread_intervals(single));
    CHECK(homogeneity_p_value(single.accuracies(), std::vector<double>{0.01}) == 1.0);
}

TEST_CASE("A change of STD between equal networks is zero, and seeds add their own variance") {
    const Example example;
    const auto before = latent_decisions(example.table, example.latent, {0.95, 0.93, 0.9, 0.85});
    const auto after = latent_decisions(example.table, example.latent, {0.9, 0.85, 0.8, 0.7});
    const auto before_groups = group_accuracies(example.clusters, example.bootstrap, before);
    const auto after_groups = group_accuracies(example.clusters, example.bootstrap, after);
    const PairedDecisions none{before, before, &before_groups, &before_groups};
    CHECK(deviation_change(example.clusters, example.bootstrap, std::span(&none, 1))->value == 0.0);
    const PairedDecisions change{before, after, &before_groups, &after_groups};
    const Estimate one = deviation_change(example.clusters, example.bootstrap, std::span(&change, 1)).value();
    CHECK(one.value ==
          Approx(sample_deviation(after_groups.accuracies()).value() - sample_deviation(before_groups.accuracies()).value()));
    CHECK(one.interval.low > 0.0);
    const std::vector<PairedDecisions> two{change, none};
    const Estimate both = deviation_change(example.clusters, example.bootstrap, two).value();
    CHECK(both.value == Approx(one.value / 2.0));
    CHECK(both.variance > one.variance / 4.0 + one.value * one.value / 4.0 * 0.99);  // s^2 / n of the values {v, 0} is v^2 / 4
}

TEST_CASE("The no-bias mean of SER is a mean of ratios, not the exponential of a mean logarithm") {
    // 4 groups of 6,000 independent pairs at 99.5 %.
    constexpr std::uint32_t kPairs = 6000;
    ItemTable table;
    table.group_begin = {0};
    std::vector<std::uint8_t> correct;
    for (std::uint32_t g = 0; g < 4; ++g) {
        table.groups.push_back(std::to_string(g));
        for (std::uint32_t p = 0; p < kPairs; ++p) {
            table.label.push_back(1);
            table.identity_a.push_back(g * kPairs + p);
            table.identity_b.push_back(g * kPairs + p);
            correct.push_back(p % 200 == 0 ? 0 : 1);
        }
        table.group_begin.push_back(table.size());
    }
    const PairClusters clusters(table);
    const IdentityBootstrap bootstrap(clusters.identities(), 2000, 2);
    const SpreadIntervals spread = spread_intervals(group_accuracies(clusters, bootstrap, correct)).value();
    RandomStream stream(8, 0, "ratios");
    constexpr int kDraws = 20000;
    double mean = 0.0;
    double mean_log = 0.0;
    for (int draw = 0; draw < kDraws; ++draw) {
        std::vector<double> errors;
        for (int g = 0; g < 4; ++g) errors.push_back(30.5 + std::sqrt(30.0 * 0.995) * stream.normal());
        const auto [low, high] = std::minmax_element(errors.begin(), errors.end());
        mean += *high / *low / kDraws;
        mean_log += std::log(*high / *low) / kDraws;
    }
    CHECK(mean - std::exp(mean_log) > 0.02);
    CHECK(spread.error_ratio_no_bias.mean == Approx(mean).margin(0.02));  // three standard errors of 2,000 replicates
}

TEST_CASE("No-bias of a mean over seeds grows with the luck of training that tells groups apart") {
    const Example example;
    const auto network = [&](const std::vector<double>& accuracy) {
        return group_accuracies(example.clusters, example.bootstrap, latent_decisions(example.table, example.latent, accuracy));
    };
    const GroupAccuracies one = network({0.90, 0.90, 0.90, 0.90});
    const GroupAccuracies same = network({0.90, 0.90, 0.90, 0.90});
    const GroupAccuracies lucky = network({0.95, 0.85, 0.95, 0.85});
    const GroupAccuracies unlucky = network({0.85, 0.95, 0.85, 0.95});
    const std::vector<const GroupAccuracies*> calm{&one, &same};
    const std::vector<const GroupAccuracies*> wild{&lucky, &unlucky};
    CHECK(seed_mean_spread_intervals(calm)->deviation_no_bias.p95 == Approx(spread_intervals(one)->deviation_no_bias.p95));
    CHECK(seed_mean_spread_intervals(wild)->deviation_no_bias.p95 > 2.0 * spread_intervals(one)->deviation_no_bias.p95);
}
