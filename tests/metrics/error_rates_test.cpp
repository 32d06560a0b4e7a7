#include "metrics/error_rates.hpp"

#include <cmath>
#include <limits>

#include "fairsweep/error.hpp"
#include "fairsweep/random.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {
using Scores = std::vector<double>;
using Labels = std::vector<std::uint8_t>;

/// Scores on a coarse grid, so that ties are common; genuine pairs score higher.
std::pair<Scores, Labels> coarse_example(std::uint64_t seed, std::size_t pairs) {
    RandomStream stream(seed, 0, "scores");
    Scores scores;
    Labels labels;
    for (std::size_t i = 0; i < pairs; ++i) {
        labels.push_back(static_cast<std::uint8_t>(stream.below(3) == 0));
        scores.push_back(std::round(10.0 * (stream.normal() + 1.2 * labels.back())) / 40.0);
    }
    return {scores, labels};
}
}  // namespace

TEST_CASE("AUC counts ties one half, as scikit-learn does") {
    const Scores scores{.1, .4, .35, .8, .4, .4};
    const Labels labels{0, 0, 1, 1, 1, 0};
    CHECK(area_under_curve(scores, labels).value() == Approx(6.0 / 9.0).epsilon(1e-15));  // Mann-Whitney U = 6
    CHECK_FALSE(area_under_curve(Scores{.1, .2}, Labels{1, 1}));
    CHECK_FALSE(equal_error_rate(Scores{.1, .2}, Labels{0, 0}));
}

TEST_CASE("A pair matches at the threshold itself; rates are over their own kind of pair") {
    const ErrorCounts counts = error_counts(Scores{.2, .5, .5, .9, .1}, Labels{1, 1, 0, 0, 0}, .5);
    CHECK(counts.genuine == 2);
    CHECK(counts.impostor == 3);
    CHECK(counts.fnmr().value() == 0.5);
    CHECK(counts.fmr().value() == Approx(2.0 / 3.0));
    CHECK(counts.accuracy_percent().value() == Approx(40.0));
    const ErrorCounts only_genuine = error_counts(Scores{.2}, Labels{1}, .5);
    CHECK_FALSE(only_genuine.fmr());
    CHECK(only_genuine.fnmr().value() == 1.0);
    CHECK_FALSE(error_counts({}, {}, .5).accuracy_percent());
}

TEST_CASE("The most accurate threshold and the EER are those of an exhaustive search") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const auto [scores, labels] = coarse_example(seed, 200);
        double best_accuracy = -1.0;
        double best_threshold = 0.0;
        double smallest = 2.0;
        double rate = 0.0;
        Scores observed = scores;
        std::sort(observed.begin(), observed.end());
        for (const double t : observed) {
            const ErrorCounts counts = error_counts(scores, labels, t);
            if (counts.accuracy_percent().value() > best_accuracy) {
                best_accuracy = counts.accuracy_percent().value();
                best_threshold = t;
            }
            const double difference = std::abs(counts.fmr().value() - counts.fnmr().value());
            if (difference < smallest - 1e-12) {
                smallest = difference;
                rate = 0.5 * (counts.fmr().value() + counts.fnmr().value());
            }
        }
        CHECK(most_accurate_threshold(scores, labels).value() == best_threshold);
        CHECK(equal_error_rate(scores, labels).value() == Approx(rate).epsilon(1e-14));
    }
}

TEST_CASE("The threshold at an FMR is the smallest double that keeps it") {
    for (const double target : {0.0, 1e-3, 0.01, 0.1, 1.0 / 3.0, 0.999}) {
        const auto [scores, labels] = coarse_example(11, 300);
        const double t = threshold_at_fmr(scores, labels, target).value();
        CHECK(error_counts(scores, labels, t).fmr().value() <= target);
        const double below = std::nextafter(t, -std::numeric_limits<double>::infinity());
        CHECK(error_counts(scores, labels, below).fmr().value() > target);
    }
    CHECK(threshold_at_fmr(Scores{.5}, Labels{0}, 1.0).value() == std::numeric_limits<double>::lowest());
    CHECK_FALSE(threshold_at_fmr(Scores{.5}, Labels{1}, 0.1));
}

TEST_CASE("Equally accurate thresholds: the smallest observed score wins") {
    CHECK(most_accurate_threshold(Scores{.1, .2, .3}, Labels{1, 0, 1}).value() == .1);
    CHECK(most_accurate_threshold(Scores{.7}, Labels{0}).value() == .7);  // never above the highest score
    CHECK_FALSE(most_accurate_threshold({}, {}));
}

TEST_CASE("Scores that are not finite are refused") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(error_counts(Scores{.1, nan}, Labels{1, 0}, .5), Error);
    CHECK_THROWS_AS(most_accurate_threshold(Scores{.1, nan}, Labels{1, 0}), Error);
    CHECK_THROWS_AS(equal_error_rate(Scores{.1, std::numeric_limits<double>::infinity()}, Labels{1, 0}), Error);
}
