#include "statistics/contrast.hpp"

#include <cmath>

#include "fairsweep/random.hpp"
#include "latent_model.hpp"
#include "statistics/quantiles.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

bool share_a_person(const ItemTable& table, std::uint32_t p, std::uint32_t q) {
    return table.identity_a[p] == table.identity_a[q] || table.identity_a[p] == table.identity_b[q] ||
           table.identity_b[p] == table.identity_a[q] || table.identity_b[p] == table.identity_b[q];
}

std::vector<std::uint8_t> random_flags(std::uint32_t pairs, double rate, std::uint64_t seed) {
    RandomStream stream(seed, 0, "flags");
    std::vector<std::uint8_t> flags(pairs);
    for (std::uint8_t& flag : flags) flag = stream.uniform() < rate ? 1 : 0;
    return flags;
}

}  // namespace

TEST_CASE("The dyadic variance is the sum of products over all pairs of pairs that share a person") {
    // Few people and many pairs: some couples of people occur more than once.
    const ItemTable table = latent_pairs({.groups = 2, .identities = 12, .pairs = 150}, 1);
    const PairClusters clusters(table);
    RandomStream stream(2, 0, "influence");
    std::vector<double> influence(table.size());
    for (double& value : influence) value = stream.normal();
    double expected = 0.0;
    for (std::uint32_t p = 0; p < table.size(); ++p) {
        for (std::uint32_t q = 0; q < table.size(); ++q) {
            // Genuine pairs of a person with impostor pairs of the same person count too.
            if (share_a_person(table, p, q)) expected += influence[p] * influence[q];
        }
    }
    CHECK(clusters.variance(influence) == Approx(expected).epsilon(1e-10));
    CHECK(clusters.identities() == 24);
    CHECK(clusters.all_of(1).identities == 12);
    CHECK(clusters.genuine_of(0).pairs.size() + clusters.impostor_of(0).pairs.size() == 150);
}

TEST_CASE("Without shared people the dyadic variance is the binomial one and the interval is Wilson's") {
    ItemTable table;
    table.groups = {"A"};
    table.group_begin = {0, 3000};
    for (std::uint32_t p = 0; p < 3000; ++p) {
        table.label.push_back(0);
        table.identity_a.push_back(2 * p);
        table.identity_b.push_back(2 * p + 1);
    }
    const PairClusters clusters(table);
    std::vector<std::uint8_t> flags(3000, 0);
    std::fill(flags.begin(), flags.begin() + 600, 1);
    const RateEstimate rate = rate_estimate(clusters, clusters.all_of(0), flags);
    CHECK(rate.effective_n == Approx(3000.0));
    CHECK(rate.variance == Approx(0.2 * 0.8 / 3000.0));
    // statsmodels proportion_confint(600, 3000, method="wilson"): [0.186074, 0.214693]; the t quantile with 5999 degrees of
    // freedom moves the fifth digit.
    CHECK(rate.interval.low == Approx(0.186074).epsilon(3e-5));
    CHECK(rate.interval.high == Approx(0.214693).epsilon(3e-5));
    const RateEstimate none = rate_estimate(clusters, clusters.all_of(0), std::vector<std::uint8_t>(3000, 0));
    CHECK(none.interval.low == 0.0);
    CHECK(none.interval.high == Approx(0.00128).epsilon(3e-3));  // Wilson for 0 of 3000
    CHECK(none.variance > 0.0);
}

TEST_CASE("A contrast adds rates, pairs the same pairs, and never calls an unseen flip impossible") {
    const ItemTable table = latent_pairs({.groups = 2, .identities = 30, .pairs = 200}, 3);
    const PairClusters clusters(table);
    const auto before = random_flags(table.size(), 0.9, 4);
    auto after = before;
    LinearContrast same(clusters);
    same.add(clusters.all_of(0), after, 1.0);
    same.add(clusters.all_of(0), before, -1.0);
    CHECK(same.value() == Approx(0.0).margin(1e-15));
    CHECK(std::sqrt(same.variance()) == Approx(1.0 / 200.0));
    CHECK(same.degrees_of_freedom() == clusters.all_of(0).identities - 1.0);

    for (std::uint32_t p = 0; p < 10; ++p) after[p] = 0;
    LinearContrast change(clusters);
    change.add(clusters.all_of(0), after, 1.0);
    change.add(clusters.all_of(0), before, -1.0);
    double lost = 0.0;
    for (std::uint32_t p = 0; p < 10; ++p) lost += before[p];
    CHECK(change.value() == Approx(-lost / 200.0));
    LinearContrast unpaired(clusters);
    unpaired.add(clusters.all_of(0), after, 1.0);
    CHECK(change.variance() < unpaired.variance());
}

TEST_CASE("Between-seed variance is added, with Satterthwaite's degrees of freedom") {
    const std::vector<double> seeds{0.02, 0.04};
    const Estimate mean = seed_mean_estimate(1e-4, 100.0, seeds);
    CHECK(mean.value == Approx(0.03));
    CHECK(mean.variance == Approx(1e-4 + 2e-4 / 2.0));
    CHECK(mean.degrees_of_freedom == Approx(4e-8 / (1e-8 / 100.0 + 1e-8 / 1.0)));
    const Estimate one = seed_mean_estimate(1e-4, 100.0, std::vector<double>{0.02});
    CHECK(one.variance == Approx(1e-4));
    CHECK(one.degrees_of_freedom == Approx(100.0));
    CHECK(one.interval.high == Approx(0.02 + 0.01 * student_t_quantile(0.975, 100.0)));
}
