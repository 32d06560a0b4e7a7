#include "metrics/evaluation.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "fairsweep/error.hpp"
#include "metrics/error_rates.hpp"

namespace fairsweep {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double or_nan(std::optional<double> value) { return value.value_or(kNan); }

void check_count(const ItemTable& pairs, std::size_t scores) {
    if (scores == pairs.size() && scores > 0) return;
    throw_data({.attempted = "evaluate a verification set",
                .found = std::to_string(scores) + " scores",
                .expected = std::to_string(pairs.size()) + " scores, one per pair, and at least one"});
}

GroupFigures group_figures(std::span<const double> scores, std::span<const std::uint8_t> genuine, double threshold,
                           const std::optional<TenFold>& folds) {
    const ErrorCounts counts = error_counts(scores, genuine, threshold);
    GroupFigures figures;
    figures.genuine = counts.genuine;
    figures.impostor = counts.impostor;
    figures.correct_10fold = folds ? folds->correct_total : 0;
    figures.accuracy_10fold = folds ? folds->accuracy_percent : kNan;
    figures.accuracy_pooled = or_nan(counts.accuracy_percent());
    figures.fmr = or_nan(counts.fmr());
    figures.fnmr = or_nan(counts.fnmr());
    figures.eer = or_nan(equal_error_rate(scores, genuine));
    figures.auc = or_nan(area_under_curve(scores, genuine));
    return figures;
}

bool are_cosines(std::span<const double> scores) {
    return std::all_of(scores.begin(), scores.end(), [](double score) { return score >= -1.0 && score <= 1.0; });
}

bool has_both_kinds(std::span<const std::uint8_t> genuine) {
    const auto count = std::count(genuine.begin(), genuine.end(), 1);
    return count != 0 && count != static_cast<std::ptrdiff_t>(genuine.size());
}

}  // namespace

VerificationFigures verification_figures(const ItemTable& pairs, std::span<const double> scores,
                                         std::span<const FoldBounds> folds, std::vector<std::optional<TenFold>>* ten_fold) {
    check_count(pairs, scores.size());
    VerificationFigures figures;
    const bool has_ten_fold = are_cosines(scores);
    figures.pooled_threshold = or_nan(most_accurate_threshold(scores, pairs.label));
    for (std::size_t g = 0; g < pairs.groups.size(); ++g) {
        const std::size_t begin = pairs.group_begin[g];
        const std::size_t count = pairs.group_begin[g + 1] - begin;
        const auto of_group = scores.subspan(begin, count);
        const auto genuine = std::span(pairs.label).subspan(begin, count);
        std::optional<TenFold> decided;
        if (has_ten_fold && has_both_kinds(genuine))
            decided = ten_fold_from_scores(of_group, genuine, folds.empty() ? std::nullopt : std::optional(folds[g]));
        figures.groups.push_back(group_figures(of_group, genuine, figures.pooled_threshold, decided));
        if (ten_fold != nullptr) ten_fold->push_back(std::move(decided));
    }
    return figures;
}

VerificationFigures verification_figures(const ItemTable& pairs, std::span<const float> scores) {
    check_count(pairs, scores.size());
    const std::vector<double> values(scores.begin(), scores.end());
    return verification_figures(pairs, values, {}, nullptr);
}

}  // namespace fairsweep
