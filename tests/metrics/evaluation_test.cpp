#include "metrics/evaluation.hpp"

#include <cmath>

#include "fairsweep/error.hpp"
#include "fairsweep/random.hpp"
#include "metrics/error_rates.hpp"
#include "metrics/ten_fold.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

/// Two groups of 40 and 50 pairs whose scores need different thresholds.
ItemTable two_groups(std::vector<float>& scores) {
    ItemTable pairs;
    pairs.groups = {"A", "B"};
    pairs.group_begin = {0, 40, 90};
    RandomStream stream(5, 0, "pairs");
    for (std::uint32_t i = 0; i < 90; ++i) {
        pairs.label.push_back(i % 2 == 0);
        pairs.identity_a.push_back(i);
        pairs.identity_b.push_back(i % 2 == 0 ? i : i + 1);
        const double shift = i < 40 ? 0.0 : 0.2;
        scores.push_back(static_cast<float>(0.2 + shift + (i % 2 == 0 ? 0.3 : 0.0) + 0.15 * stream.normal()));
    }
    return pairs;
}

}  // namespace

TEST_CASE("Figures of a group come from its own pairs, the pooled threshold from all") {
    std::vector<float> scores;
    const ItemTable pairs = two_groups(scores);
    const VerificationFigures figures = verification_figures(pairs, scores);
    REQUIRE(figures.groups.size() == 2);
    const std::vector<double> all(scores.begin(), scores.end());
    CHECK(figures.pooled_threshold == most_accurate_threshold(all, pairs.label).value());
    const std::vector<double> second(scores.begin() + 40, scores.end());
    const std::span<const std::uint8_t> labels = std::span(pairs.label).subspan(40);
    const GroupFigures& group = figures.groups[1];
    CHECK(group.genuine == 25);
    CHECK(group.impostor == 25);
    CHECK(group.accuracy_10fold == ten_fold_from_scores(second, labels)->accuracy_percent);
    CHECK(group.fmr == error_counts(second, labels, figures.pooled_threshold).fmr().value());
    CHECK(group.fnmr == error_counts(second, labels, figures.pooled_threshold).fnmr().value());
    CHECK(group.auc == area_under_curve(second, labels).value());
    CHECK(group.eer == equal_error_rate(second, labels).value());
    CHECK(group.accuracy_pooled == Approx(100.0 - 50.0 * (group.fmr + group.fnmr)));
}

TEST_CASE("Undefined figures of a group are NaN, wrong numbers of scores an error") {
    ItemTable pairs;
    pairs.groups = {"small"};
    pairs.group_begin = {0, 3};
    pairs.label = {1, 1, 1};
    pairs.identity_a = pairs.identity_b = {0, 1, 2};
    const VerificationFigures figures = verification_figures(pairs, std::vector<float>{.5F, .6F, .7F});
    CHECK(std::isnan(figures.groups[0].accuracy_10fold));
    CHECK(std::isnan(figures.groups[0].fmr));
    CHECK(std::isnan(figures.groups[0].auc));
    CHECK(figures.groups[0].fnmr == 0.0);
    CHECK_THROWS_AS(verification_figures(pairs, std::vector<float>{.5F}), Error);
}
