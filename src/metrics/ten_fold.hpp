#pragma once
/// The ten-fold accuracy of the RFW and LFW protocols, as deepinsight/insightface computes it (recognition/arcface_torch/
/// eval/verification.py): folds are contiguous in file order, the threshold of a fold is the best on the nine others.
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace fairsweep {

inline constexpr std::uint32_t kFolds = 10;            ///< unless a list names its own
inline constexpr std::uint32_t kGridThresholds = 400;  ///< distances 0, 0.01 ... 3.99

/// Threshold `index` of the grid, as a double product, not a sum of steps.
[[nodiscard]] constexpr double grid_threshold(std::uint32_t index) { return index * 0.01; }

/// Squared Euclidean distance of two unit vectors whose cosine is `score`; the one place where the two rules meet.
[[nodiscard]] constexpr double squared_distance(double score) { return 2.0 - 2.0 * score; }

/// Pairs [first, second) of fold `fold`: the first `pairs` mod 10 folds have one pair more (scikit-learn's KFold).
[[nodiscard]] std::pair<std::uint32_t, std::uint32_t> fold_range(std::uint32_t pairs, std::uint32_t fold);

/// Pairs begin[f] up to begin[f + 1] are fold f; begin[0] = 0, the last is the number of pairs. Ten folds, or as many as a list
/// names: [folds + 1].
using FoldBounds = std::vector<std::uint32_t>;
[[nodiscard]] FoldBounds contiguous_folds(std::uint32_t pairs);

struct TenFold {
    double accuracy_percent = 0.0;               ///< mean over folds
    std::vector<double> fold_accuracy;           ///< [folds] fractions
    std::vector<std::uint32_t> threshold_index;  ///< [folds] in the grid; the lowest of equally good ones
    std::vector<std::uint8_t> correct;           ///< [pairs] 1: decided rightly with its fold's threshold
    std::uint32_t correct_total = 0;
    FoldBounds fold_begin;
    [[nodiscard]] std::uint32_t folds() const { return static_cast<std::uint32_t>(fold_accuracy.size()); }
};

/// A pair is called the same person when distance < threshold (strict). `genuine` [pairs] is 1 for the same person.
/// `bounds`: the folds, contiguous_folds() by default. nullopt when a fold would be empty (fewer than ten pairs) or there is one
/// fold only, which leaves no other to choose a threshold on. A NaN distance is never below a threshold.
[[nodiscard]] std::optional<TenFold> ten_fold_from_distances(std::span<const double> distances,
                                                             std::span<const std::uint8_t> genuine,
                                                             const std::optional<FoldBounds>& bounds = std::nullopt);
/// The same from cosine similarities, by squared_distance().
[[nodiscard]] std::optional<TenFold> ten_fold_from_scores(std::span<const double> scores, std::span<const std::uint8_t> genuine,
                                                          const std::optional<FoldBounds>& bounds = std::nullopt);

/// First index of the grid whose threshold is above the distance: the pair is accepted from there on. kGridThresholds: never.
[[nodiscard]] std::uint32_t first_accepting_threshold(double distance);

}  // namespace fairsweep
