#pragma once
/// The group that a gap is named after, chosen on other people than those that the gap is judged on. Chosen on the same pairs,
/// the worst group is partly worst by bad luck, and a loss that is equal for all then looks like a widening.
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "fairsweep/items.hpp"
#include "statistics/clusters.hpp"
#include "statistics/contrast.hpp"

namespace fairsweep {

/// Random halves of the people of every group. Pairs of people of different halves are in neither; over many splits every
/// pair has its turn.
class PeopleHalves {
public:
    PeopleHalves(const PairClusters& clusters, const ItemTable& table, std::uint64_t seed, std::uint32_t splits = 10);

    [[nodiscard]] std::uint32_t splits() const { return static_cast<std::uint32_t>(halves_.size()); }
    [[nodiscard]] std::uint32_t groups() const { return clusters_->groups(); }
    /// False when a half of some group has no pairs of a kind that the group has: too few people to choose on others.
    [[nodiscard]] bool usable() const { return usable_; }
    /// Adds weight * accuracy of a group in a half; genuine and impostor pairs count as in the whole group.
    void add(LinearContrast& contrast, std::uint32_t split, std::uint32_t half, std::uint32_t group,
             std::span<const std::uint8_t> correct, double weight) const;
    /// The same value alone.
    [[nodiscard]] double accuracy(std::uint32_t split, std::uint32_t half, std::uint32_t group,
                                  std::span<const std::uint8_t> correct) const;

private:
    struct Half {
        std::vector<PairSubset> genuine, impostor;  ///< [groups]
    };
    const PairClusters* clusters_;
    std::vector<std::array<Half, 2>> halves_;  ///< [splits]
    bool usable_ = true;
};

/// Which group is worst, for what is judged on a half: by the other half's people.
struct WorstGroup {
    std::vector<std::array<std::uint32_t, 2>> judged_on;  ///< [splits][half]
    std::vector<double> share;                            ///< [groups] of the halves that chose it
    std::uint32_t most_often = 0;
    [[nodiscard]] bool unanimous() const { return share[most_often] == 1.0; }
    /// Mean over halves and splits of the weight of a group's accuracy in the gap: -1 for the worst, 1 / others for others.
    [[nodiscard]] double weight(std::uint32_t group) const;
};

/// `correct` [networks][pairs]: the group with the lowest accuracy, mean over the networks. The halves must be usable.
[[nodiscard]] WorstGroup choose_worst(const PeopleHalves& halves, std::span<const std::span<const std::uint8_t>> correct);

/// Adds weight * gap: mean accuracy of the other groups minus that of the worst one, mean over halves and splits. Where all
/// halves agree on the group nothing was chosen by luck, and all pairs of all groups count.
void add_gap(LinearContrast& contrast, const PairClusters& clusters, const PeopleHalves& halves, const WorstGroup& worst,
             std::span<const std::uint8_t> correct, double weight);

/// How group accuracies, or their changes, move with the people: [groups][replicates] of the identity bootstrap.
using GroupDeviations = std::vector<std::vector<double>>;

/// What the choice itself adds to the variance of a change of the gap. Where groups are nearly equal each half's luck chooses
/// the group for the other half, so the halves' changes are correlated: with M_gh = E[group g is chosen, deviation of the
/// change of gap h] on a half, the covariance of two halves is sum M_gh M_hg. `accuracy` [groups]: what the choice looks at.
[[nodiscard]] double choice_variance(std::span<const double> accuracy, const GroupDeviations& accuracy_deviations,
                                     const GroupDeviations& change_deviations);

}  // namespace fairsweep
