#include "metrics/evaluation.hpp"

#include <limits>
#include <string>

#include "fairsweep/error.hpp"
#include "metrics/error_rates.hpp"
#include "metrics/ten_fold.hpp"

namespace fairsweep {
namespace {

double or_nan(std::optional<double> value) { return value.value_or(std::numeric_limits<double>::quiet_NaN()); }

GroupFigures group_figures(std::span<const double> scores, std::span<const std::uint8_t> genuine, double threshold) {
    const ErrorCounts counts = error_counts(scores, genuine, threshold);
    GroupFigures figures;
    figures.genuine = counts.genuine;
    figures.impostor = counts.impostor;
    figures.accuracy_10fold = std::numeric_limits<double>::quiet_NaN();
    if (const auto folds = ten_fold_from_scores(scores, genuine)) {
        figures.correct_10fold = folds->correct_total;
        figures.accuracy_10fold = folds->accuracy_percent;
    }
    figures.accuracy_pooled = or_nan(counts.accuracy_percent());
    figures.fmr = or_nan(counts.fmr());
    figures.fnmr = or_nan(counts.fnmr());
    figures.eer = or_nan(equal_error_rate(scores, genuine));
    figures.auc = or_nan(area_under_curve(scores, genuine));
    return figures;
}

}  // namespace

VerificationFigures verification_figures(const ItemTable& pairs, std::span<const float> scores) {
    if (scores.size() != pairs.size() || scores.empty()) {
        throw_data({.attempted = "evaluate a verification set",
                    .where = {},
                    .found = std::to_string(scores.size()) + " scores",
                    .expected = std::to_string(pairs.size()) + " scores, one per pair, and at least one",
                    .hint = {}});
    }
    const std::vector<double> values(scores.begin(), scores.end());
    VerificationFigures figures;
    figures.pooled_threshold = most_accurate_threshold(values, pairs.label).value();
    for (std::size_t g = 0; g < pairs.groups.size(); ++g) {
        const std::size_t begin = pairs.group_begin[g];
        const std::size_t count = pairs.group_begin[g + 1] - begin;
        figures.groups.push_back(group_figures(std::span(values).subspan(begin, count),
                                               std::span(pairs.label).subspan(begin, count), figures.pooled_threshold));
    }
    return figures;
}

}  // namespace fairsweep
