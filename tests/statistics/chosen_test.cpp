/// Small cases of what is chosen on the data, with values known from elsewhere; coverage: coverage_chosen_test.cpp.
#include <cmath>

#include "latent_model.hpp"
#include "metrics/error_rates.hpp"
#include "metrics/fairness.hpp"
#include "statistics/curve_estimates.hpp"
#include "statistics/index_intervals.hpp"
#include "statistics/simultaneous.hpp"
#include "statistics/threshold_uncertainty.hpp"
#include "statistics/worst_group.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("An interval moves out by how far the rate moves, in quadrature, and never past 0 or 1") {
    const Interval both = widened({0.17, 0.24}, 0.2, 0.23, 0.16);
    CHECK(both.low == Approx(0.2 - std::hypot(0.03, 0.04)));
    CHECK(both.high == Approx(0.2 + std::hypot(0.04, 0.03)));
    const Interval one_way = widened({0.17, 0.24}, 0.2, 0.2, 0.23);
    CHECK(one_way.low == Approx(0.17));
    CHECK(one_way.high == Approx(0.25));
    CHECK(widened({0.0, 0.1}, 0.02, 0.0, 0.9).low == 0.0);
    CHECK(widened({0.9, 1.0}, 0.95, 0.1, 1.0).high == 1.0);
}

TEST_CASE("The rule of three") {
    CHECK(rule_of_three(750) == Approx(0.004));
    CHECK(rule_of_three(2) == 1.0);
}

TEST_CASE("The range of a threshold at FMR x ends where the pooled FMR's own limits are reached") {
    const LatentModel model{.groups = 4, .identities = 60, .pairs = 600};
    const ItemTable table = latent_pairs(model, 5);
    const PairClusters clusters(table);
    const auto scores = latent_scores(table, latent_values(model, table, 5, 0, 0.0), {0.95, 0.93, 0.91, 0.87});
    const double chosen = threshold_at_fmr(scores, table.label, 1e-2).value();
    const RateEstimate pooled = rate_estimate(clusters, clusters.impostor(), errors_at(scores, table.label, chosen));
    CHECK(pooled.trials == 1200);
    const ThresholdRange range = fmr_threshold_range(pooled, scores, table.label);
    CHECK((range.low < chosen && chosen < range.high));
    CHECK(rate_of(clusters.impostor(), errors_at(scores, table.label, range.low)) <= pooled.interval.high);
    CHECK(rate_of(clusters.impostor(), errors_at(scores, table.label, range.high)) <= pooled.interval.low);
    CHECK(clusters.everything().pairs.size() == 2400);
}

TEST_CASE("AUC's influence is that of placements, EER's is split by the slopes") {
    // Genuine 0.4, 0.8; impostor 0.2, 0.4: AUC = (1 + 0.5 + 1 + 1) / 4.
    const std::vector<double> scores{0.4, 0.8, 0.2, 0.4};
    const std::vector<std::uint8_t> genuine{1, 1, 0, 0};
    const CurveInfluence influence = curve_influence(scores, genuine);
    const std::vector<double> expected{(0.75 - 0.875) / 2, (1.0 - 0.875) / 2, (1.0 - 0.875) / 2, (0.75 - 0.875) / 2};
    double eer = 0.0;
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(influence.auc[i] == Approx(expected[i]));
        eer += influence.eer[i];
    }
    CHECK(eer == Approx(0.0).margin(1e-12));
}

TEST_CASE("A matcher without errors has an AUC interval below 1 and an EER interval above 0") {
    const LatentModel model{.groups = 1, .identities = 30, .pairs = 200};
    const ItemTable table = latent_pairs(model, 1);
    const PairClusters clusters(table);
    std::vector<double> scores;
    for (const std::uint8_t same : table.label) scores.push_back(same != 0 ? 0.9 : 0.1);
    const CurveInfluence influence = curve_influence(scores, table.label);
    const Interval auc = curve_interval(clusters, 0, 1.0, influence.auc);
    const Interval eer = curve_interval(clusters, 0, 0.0, influence.eer);
    CHECK((auc.low < 0.95 && auc.high == Approx(1.0)));
    CHECK((eer.low == Approx(0.0).margin(1e-12) && eer.high > 0.05));
}

namespace {

RatesAtThreshold rates(std::vector<double> fmr, std::vector<double> fnmr, std::uint32_t trials) {
    RatesAtThreshold result;
    const auto estimate = [trials](double rate) {
        RateEstimate one;
        one.rate = rate;
        one.trials = trials;
        one.hits = static_cast<std::uint32_t>(std::lround(rate * trials));
        one.effective_n = trials;
        one.variance = std::max(rate * (1.0 - rate), 1e-6) / trials;
        return one;
    };
    RandomStream stream(1, trials, "test");
    const auto deviations = [&](const RateEstimate& one) {
        std::vector<double> values(400);
        for (double& value : values) value = std::sqrt(one.variance) * stream.normal();
        return values;
    };
    for (const double rate : fmr) {
        result.fmr.push_back(estimate(rate));
        result.fmr_deviations.push_back(deviations(result.fmr.back()));
    }
    for (const double rate : fnmr) {
        result.fnmr.push_back(estimate(rate));
        result.fnmr_deviations.push_back(deviations(result.fnmr.back()));
    }
    return result;
}

IndexIntervals intervals_of(const RatesAtThreshold& one) {
    const RatesAtThreshold* const pointer = &one;
    return index_intervals(std::span(&pointer, 1), 1);
}

}  // namespace

TEST_CASE("Indices are not defined with few expected errors, or where everything or nothing matches") {
    CHECK(index_fault(rates({0.1, 0.1}, {0.1, 0.1}, 100)) == IndexFault::none);
    CHECK(index_fault(rates({0.1}, {0.1}, 100)) == IndexFault::one_group);
    CHECK(index_fault(rates({0.01, 0.03}, {0.1, 0.1}, 100)) == IndexFault::few_false_matches);  // 2 expected
    CHECK(index_fault(rates({0.1, 0.1}, {0.02, 0.03}, 100)) == IndexFault::few_false_non_matches);
    CHECK(index_fault(rates({0.001, 0.001}, {0.1, 0.1}, 3000)) == IndexFault::none);  // exactly 3
    CHECK(index_fault(rates({1.0, 1.0}, {0.0, 0.0}, 100)) == IndexFault::all_match);
    CHECK(index_fault(rates({0.0, 0.0}, {1.0, 1.0}, 100)) == IndexFault::none_match);
}

TEST_CASE("Equal groups may be fair, unequal ones are not: the interval's fair end says which") {
    const IndexIntervals equal = intervals_of(rates({0.10, 0.11, 0.09}, {0.10, 0.09, 0.11}, 300));
    CHECK(equal.fdr.high == 1.0);
    CHECK(equal.ir.low == 1.0);
    CHECK(equal.garbe.low == 0.0);
    const IndexIntervals unequal = intervals_of(rates({0.02, 0.1, 0.3}, {0.3, 0.1, 0.02}, 3000));
    CHECK(unequal.fdr.high < 0.8);
    CHECK(unequal.ir.low > 5.0);
    CHECK(unequal.garbe.low > 0.3);
    CHECK(unequal.fdr_no_bias.p95 > unequal.fdr.high);
    CHECK(unequal.ir_no_bias.p95 < unequal.ir.low);
}

TEST_CASE("Only the luck that tells groups apart counts in no-bias") {
    // Every seed moves all groups alike: nothing.
    const std::vector<std::vector<double>> alike{{0.90, 0.92, 0.94}, {0.91, 0.93, 0.95}};
    CHECK(interaction_deviation(alike) == Approx(0.0).margin(1e-12));
    // numpy: residuals of the two-way table +-0.01, 0, -+0.01; sum of squares 4e-4 over 1 * 2 degrees of freedom.
    const std::vector<std::vector<double>> apart{{0.91, 0.92, 0.93}, {0.89, 0.92, 0.95}};
    CHECK(interaction_deviation(apart) == Approx(std::sqrt(4e-4 / 2.0)));
    CHECK(interaction_deviation(std::vector<std::vector<double>>{{0.9, 0.8}}) == 0.0);
}

TEST_CASE("Simultaneous limits of independent estimates are Sidak's, of one and the same estimate its own") {
    RandomStream stream(1, 0, "test");
    std::vector<FamilyMember> independent(10);
    for (FamilyMember& member : independent) {
        member.estimate = t_estimate(1.0, 4.0, std::numeric_limits<double>::infinity());
        for (int b = 0; b < 4000; ++b) member.deviations.push_back(stream.normal());
    }
    // 1.0 +- 2 * z at 1 - (1 - 0.95^(1/10)) / 2 = 2.800; the 5 % point of 4,000 draws is good to 3 %.
    const double expected = 2.0 * normal_quantile(1.0 - (1.0 - std::pow(0.95, 0.1)) / 2.0);
    for (const Interval& limits : simultaneous_intervals(independent, 1))
        CHECK(limits.high - 1.0 == Approx(expected).epsilon(0.03));
    std::vector<FamilyMember> same(10, independent.front());
    for (const Interval& limits : simultaneous_intervals(same, 1)) CHECK(limits.high - 1.0 == Approx(2.0 * 1.96).epsilon(0.03));
    const std::vector<Interval> alone = simultaneous_intervals(std::span(independent).first(1), 1);
    CHECK(alone.front().high == independent.front().estimate.interval.high);
    CHECK(simultaneous_intervals({}, 1).empty());
}

TEST_CASE("The worst group is chosen on other people, and a clear one is found by all of them") {
    const LatentModel model{.groups = 4, .identities = 80, .pairs = 800};
    const ItemTable table = latent_pairs(model, 9);
    const PairClusters clusters(table);
    const PeopleHalves halves(clusters, table, 1);
    CHECK(halves.usable());
    const auto correct = latent_decisions(table, latent_values(model, table, 9, 0, 0.0), {0.95, 0.93, 0.75, 0.9});
    const std::vector<std::span<const std::uint8_t>> networks{correct};
    const WorstGroup worst = choose_worst(halves, networks);
    CHECK(worst.most_often == 2);
    CHECK(worst.unanimous());
    CHECK(worst.weight(2) == Approx(-1.0));
    CHECK(worst.weight(0) == Approx(1.0 / 3.0));
    LinearContrast gap(clusters);
    add_gap(gap, clusters, halves, worst, correct, 1.0);
    double expected = -rate_of(clusters.all_of(2), correct);
    for (const std::uint32_t g : {0U, 1U, 3U}) expected += rate_of(clusters.all_of(g), correct) / 3.0;
    CHECK(gap.value() == Approx(expected));  // all agree: all pairs count

    const auto equal = latent_decisions(table, latent_values(model, table, 9, 0, 0.0), {0.9, 0.9, 0.9, 0.9});
    const std::vector<std::span<const std::uint8_t>> one{equal};
    const WorstGroup unclear = choose_worst(halves, one);
    CHECK_FALSE(unclear.unanimous());
    double weights = 0.0;
    for (std::uint32_t g = 0; g < 4; ++g) weights += unclear.weight(g);
    CHECK(weights == Approx(0.0).margin(1e-12));
    LinearContrast sure(clusters), unsure(clusters);
    WorstGroup by_luck = worst;
    by_luck.share.assign(4, 0.0);
    by_luck.share[unclear.most_often] = 1.0;
    by_luck.most_often = unclear.most_often;
    add_gap(sure, clusters, halves, by_luck, equal, 1.0);
    add_gap(unsure, clusters, halves, unclear, equal, 1.0);
    CHECK(unsure.value() < sure.value());  // the same pairs choose and judge: looks worse than it is
}

TEST_CASE("A clear choice adds nothing to the variance, a toss-up adds what the halves' luck has in common") {
    RandomStream stream(4, 0, "test");
    GroupDeviations accuracy(2), change(2);
    for (std::size_t b = 0; b < 20000; ++b) {
        for (std::size_t g = 0; g < 2; ++g) {
            accuracy[g].push_back(0.01 * stream.normal());
            change[g].push_back(accuracy[g].back());  // a loss that follows the accuracy
        }
    }
    CHECK(choice_variance(std::vector<double>{0.9, 0.5}, accuracy, change) == Approx(0.0).margin(1e-8));
    // Two equal groups, halves have sd s = 0.01 * sqrt 2: E[min of two] = -s / sqrt pi, so M = +-s / sqrt pi; four products,
    // half.
    const double moment = 0.01 * std::sqrt(2.0) / std::sqrt(std::acos(-1.0));
    CHECK(choice_variance(std::vector<double>{0.9, 0.9}, accuracy, change) == Approx(0.5 * 4 * moment * moment).epsilon(0.05));
}

TEST_CASE("Groups of too few people have no halves to choose on") {
    const LatentModel model{.groups = 2, .identities = 2, .pairs = 12};
    const ItemTable table = latent_pairs(model, 1);
    const PairClusters clusters(table);
    CHECK_FALSE(PeopleHalves(clusters, table, 1).usable());
}
