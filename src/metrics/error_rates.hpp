#pragma once
/// Error rates of a matcher at a threshold, and thresholds. Scores are similarities; a pair matches when score >= threshold.
/// Rates are fractions: FMR over impostor pairs, FNMR over genuine pairs, never over all pairs. Where nothing can be
/// divided the answer is nullopt. Every function throws a data error when a score is not finite.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace fairsweep {

struct ErrorCounts {
    std::uint32_t genuine = 0;
    std::uint32_t impostor = 0;
    std::uint32_t false_matches = 0;
    std::uint32_t false_non_matches = 0;
    [[nodiscard]] std::optional<double> fmr() const;
    [[nodiscard]] std::optional<double> fnmr() const;
    [[nodiscard]] std::optional<double> accuracy_percent() const;
};

/// `scores` and `genuine` [pairs]; genuine is 1 for the same person.
[[nodiscard]] ErrorCounts error_counts(std::span<const double> scores, std::span<const std::uint8_t> genuine, double threshold);

/// The smallest observed score at which most pairs are decided rightly. nullopt without pairs.
[[nodiscard]] std::optional<double> most_accurate_threshold(std::span<const double> scores,
                                                            std::span<const std::uint8_t> genuine);

/// The smallest double with FMR <= fmr (in [0, 1]); the lowest finite double where every threshold will do.
/// nullopt without impostor pairs.
[[nodiscard]] std::optional<double> threshold_at_fmr(std::span<const double> scores, std::span<const std::uint8_t> genuine,
                                                     double fmr);

/// Mean of FMR and FNMR at the observed score with the smallest |FMR - FNMR|, the smallest such score on ties.
/// nullopt unless there are both genuine and impostor pairs.
[[nodiscard]] std::optional<double> equal_error_rate(std::span<const double> scores, std::span<const std::uint8_t> genuine);

/// Probability that a genuine pair scores above an impostor pair, ties counted one half. nullopt as above.
[[nodiscard]] std::optional<double> area_under_curve(std::span<const double> scores, std::span<const std::uint8_t> genuine);

}  // namespace fairsweep
