#include "metrics/error_rates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

void require_finite(std::span<const double> scores) {
    const auto bad = std::find_if_not(scores.begin(), scores.end(), [](double score) { return std::isfinite(score); });
    if (bad == scores.end()) return;
    throw_data({.attempted = "compute error rates",
                .where = "pair " + std::to_string(bad - scores.begin()),
                .found = "a score that is " + std::string(std::isnan(*bad) ? "not a number" : "infinite"),
                .expected = "finite similarities",
                .hint = "a network that diverged gives such scores: leave it out"});
}

/// One distinct score and the pairs that have it.
struct Step {
    double score = 0.0;
    std::uint32_t genuine = 0;
    std::uint32_t impostor = 0;
};

/// Distinct scores, ascending.
std::vector<Step> ascending_steps(std::span<const double> scores, std::span<const std::uint8_t> genuine) {
    FAIRSWEEP_CHECK(scores.size() == genuine.size(), "one score per pair");
    require_finite(scores);
    std::vector<std::uint32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [scores](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
    std::vector<Step> steps;
    for (const std::uint32_t i : order) {
        if (steps.empty() || steps.back().score < scores[i]) steps.push_back({.score = scores[i]});
        ++(genuine[i] != 0 ? steps.back().genuine : steps.back().impostor);
    }
    return steps;
}

Step totals(const std::vector<Step>& steps) {
    Step sum;
    for (const Step& step : steps) {
        sum.genuine += step.genuine;
        sum.impostor += step.impostor;
    }
    return sum;
}

std::optional<double> ratio(double part, double whole) { return whole > 0.0 ? std::optional(part / whole) : std::nullopt; }

}  // namespace

std::optional<double> ErrorCounts::fmr() const { return ratio(false_matches, impostor); }
std::optional<double> ErrorCounts::fnmr() const { return ratio(false_non_matches, genuine); }
std::optional<double> ErrorCounts::accuracy_percent() const {
    const double pairs = static_cast<double>(genuine) + impostor;
    return ratio(100.0 * (pairs - false_matches - false_non_matches), pairs);
}

ErrorCounts error_counts(std::span<const double> scores, std::span<const std::uint8_t> genuine, double threshold) {
    FAIRSWEEP_CHECK(scores.size() == genuine.size(), "one score per pair");
    require_finite(scores);
    ErrorCounts counts;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const bool match = scores[i] >= threshold;
        if (genuine[i] != 0) {
            ++counts.genuine;
            if (!match) ++counts.false_non_matches;
        } else {
            ++counts.impostor;
            if (match) ++counts.false_matches;
        }
    }
    return counts;
}

std::optional<double> most_accurate_threshold(std::span<const double> scores, std::span<const std::uint8_t> genuine) {
    const std::vector<Step> steps = ascending_steps(scores, genuine);
    if (steps.empty()) return std::nullopt;
    // Relative to the lowest score, where everything matches: raising the threshold over a step rejects its pairs.
    std::int64_t gained = 0;
    std::int64_t best = 0;
    double threshold = steps.front().score;
    for (std::size_t i = 1; i < steps.size(); ++i) {
        gained += static_cast<std::int64_t>(steps[i - 1].impostor) - static_cast<std::int64_t>(steps[i - 1].genuine);
        if (gained > best) {
            best = gained;
            threshold = steps[i].score;
        }
    }
    return threshold;
}

std::optional<double> threshold_at_fmr(std::span<const double> scores, std::span<const std::uint8_t> genuine, double fmr) {
    FAIRSWEEP_CHECK(fmr >= 0.0 && fmr <= 1.0, "a false match rate is a fraction");
    const std::vector<Step> steps = ascending_steps(scores, genuine);
    const double impostor = totals(steps).impostor;
    if (impostor == 0.0) return std::nullopt;
    std::uint32_t false_matches = 0;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        if ((false_matches + step->impostor) / impostor > fmr)
            return std::nextafter(step->score, std::numeric_limits<double>::infinity());
        false_matches += step->impostor;
    }
    return std::numeric_limits<double>::lowest();
}

std::optional<double> equal_error_rate(std::span<const double> scores, std::span<const std::uint8_t> genuine) {
    const std::vector<Step> steps = ascending_steps(scores, genuine);
    const Step all = totals(steps);
    if (all.genuine == 0 || all.impostor == 0) return std::nullopt;
    std::int64_t misses = 0;
    std::int64_t false_matches = all.impostor;
    std::int64_t smallest = std::numeric_limits<std::int64_t>::max();
    double rate = 0.0;
    for (const Step& step : steps) {
        // |FMR - FNMR| over a common denominator, in integers, so that ties are ties.
        const std::int64_t difference = std::abs(false_matches * all.genuine - misses * all.impostor);
        if (difference < smallest) {
            smallest = difference;
            rate = 0.5 * (static_cast<double>(false_matches) / all.impostor + static_cast<double>(misses) / all.genuine);
        }
        misses += step.genuine;
        false_matches -= step.impostor;
    }
    return rate;
}

std::optional<double> area_under_curve(std::span<const double> scores, std::span<const std::uint8_t> genuine) {
    const std::vector<Step> steps = ascending_steps(scores, genuine);
    const Step all = totals(steps);
    if (all.genuine == 0 || all.impostor == 0) return std::nullopt;
    std::uint64_t twice_wins = 0;  // Mann-Whitney U times two: whole numbers even with ties
    std::uint64_t impostors_below = 0;
    for (const Step& step : steps) {
        twice_wins += step.genuine * (2 * impostors_below + step.impostor);
        impostors_below += step.impostor;
    }
    return static_cast<double>(twice_wins) / (2.0 * all.genuine * all.impostor);
}

}  // namespace fairsweep
