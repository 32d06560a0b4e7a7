#include "metrics/ten_fold.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

/// Right decisions of one fold at every threshold of the grid.
using CorrectCurve = std::array<std::int64_t, kGridThresholds>;

CorrectCurve correct_curve(std::span<const std::uint32_t> accepted_from, std::span<const std::uint8_t> genuine) {
    // Crossing its first accepting threshold turns a genuine pair right and an impostor pair wrong.
    CorrectCurve change{};
    std::int64_t correct = 0;
    for (std::size_t i = 0; i < genuine.size(); ++i) {
        const bool same = genuine[i] != 0;
        if (!same) ++correct;
        if (accepted_from[i] < kGridThresholds) change[accepted_from[i]] += same ? 1 : -1;
    }
    for (std::int64_t& value : change) value = correct += value;
    return change;
}

}  // namespace

std::pair<std::uint32_t, std::uint32_t> fold_range(std::uint32_t pairs, std::uint32_t fold) {
    const auto begin = [pairs](std::uint32_t f) { return f * (pairs / kFolds) + std::min(f, pairs % kFolds); };
    return {begin(fold), begin(fold + 1)};
}

std::uint32_t first_accepting_threshold(double distance) {
    if (!(distance < grid_threshold(kGridThresholds - 1))) return kGridThresholds;  // NaN comes here too
    auto index = static_cast<std::uint32_t>(std::max(0.0, std::floor(distance * 100.0)));
    while (index > 0 && distance < grid_threshold(index - 1)) --index;  // the product above may round either way
    while (!(distance < grid_threshold(index))) ++index;
    return index;
}

FoldBounds contiguous_folds(std::uint32_t pairs) {
    FoldBounds bounds(kFolds + 1, 0);
    for (std::uint32_t fold = 0; fold < kFolds; ++fold) bounds[fold + 1] = fold_range(pairs, fold).second;
    return bounds;
}

std::optional<TenFold> ten_fold_from_distances(std::span<const double> distances, std::span<const std::uint8_t> genuine,
                                               const std::optional<FoldBounds>& bounds) {
    FAIRSWEEP_CHECK(distances.size() == genuine.size(), "one distance per pair");
    const auto pairs = static_cast<std::uint32_t>(genuine.size());
    const FoldBounds fold_begin = bounds.value_or(contiguous_folds(pairs));
    FAIRSWEEP_CHECK(fold_begin.size() >= 2 && fold_begin.front() == 0 && fold_begin.back() == pairs,
                    "folds that cover the pairs");
    const auto folds = static_cast<std::uint32_t>(fold_begin.size() - 1);
    if (folds < 2) return std::nullopt;
    for (std::uint32_t fold = 0; fold < folds; ++fold)
        if (fold_begin[fold] >= fold_begin[fold + 1]) return std::nullopt;
    std::vector<std::uint32_t> accepted_from(pairs);
    std::transform(distances.begin(), distances.end(), accepted_from.begin(), first_accepting_threshold);

    std::vector<CorrectCurve> curves(folds);
    CorrectCurve total{};
    for (std::uint32_t fold = 0; fold < folds; ++fold) {
        const std::uint32_t begin = fold_begin[fold];
        const std::uint32_t end = fold_begin[fold + 1];
        curves[fold] = correct_curve(std::span(accepted_from).subspan(begin, end - begin), genuine.subspan(begin, end - begin));
        for (std::uint32_t t = 0; t < kGridThresholds; ++t) total[t] += curves[fold][t];
    }

    TenFold result;
    result.fold_begin = fold_begin;
    result.correct.resize(pairs);
    result.threshold_index.resize(folds);
    result.fold_accuracy.resize(folds);
    for (std::uint32_t fold = 0; fold < folds; ++fold) {
        const std::uint32_t begin = fold_begin[fold];
        const std::uint32_t end = fold_begin[fold + 1];
        std::uint32_t best = 0;
        for (std::uint32_t t = 1; t < kGridThresholds; ++t) {
            if (total[t] - curves[fold][t] > total[best] - curves[fold][best]) best = t;
        }
        result.threshold_index[fold] = best;
        for (std::uint32_t i = begin; i < end; ++i) {
            const bool accepted = accepted_from[i] <= best;
            result.correct[i] = accepted == (genuine[i] != 0) ? 1 : 0;
        }
        const std::int64_t correct = curves[fold][best];
        result.correct_total += static_cast<std::uint32_t>(correct);
        result.fold_accuracy[fold] = static_cast<double>(correct) / static_cast<double>(end - begin);
        result.accuracy_percent += 100.0 * result.fold_accuracy[fold] / folds;
    }
    return result;
}

std::optional<TenFold> ten_fold_from_scores(std::span<const double> scores, std::span<const std::uint8_t> genuine,
                                            const std::optional<FoldBounds>& bounds) {
    std::vector<double> distances(scores.size());
    std::transform(scores.begin(), scores.end(), distances.begin(), squared_distance);
    return ten_fold_from_distances(distances, genuine, bounds);
}

}  // namespace fairsweep
