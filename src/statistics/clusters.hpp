#pragma once
/// Pairs that share a person are dependent. PairClusters knows which do, and turns the influence of pairs on an estimate
/// into its dyadic variance (Fafchamps and Gubert, 2007; for face pairs: Fogliato et al., IJCV 2024).
#include <cstdint>
#include <span>
#include <vector>

#include "fairsweep/items.hpp"

namespace fairsweep {

/// Pairs that a rate is taken over.
struct PairSubset {
    std::vector<std::uint32_t> pairs;  ///< indices into the pair table
    std::uint32_t identities = 0;      ///< different people in them
};

/// The items of a group with this label.
[[nodiscard]] PairSubset subset_of(const ItemTable& items, std::uint32_t group, std::uint8_t label);

/// Items of one image, whose two identities are one person, are pairs to it: of the one kind that their label says.
class PairClusters {
public:
    explicit PairClusters(const ItemTable& table);

    [[nodiscard]] std::uint32_t pairs() const { return static_cast<std::uint32_t>(identity_a_.size()); }
    [[nodiscard]] std::uint32_t groups() const { return static_cast<std::uint32_t>(all_.size()); }
    [[nodiscard]] std::uint32_t identities() const { return identities_; }
    [[nodiscard]] const PairSubset& all_of(std::uint32_t group) const { return all_[group]; }
    [[nodiscard]] const PairSubset& genuine_of(std::uint32_t group) const { return genuine_[group]; }
    [[nodiscard]] const PairSubset& impostor_of(std::uint32_t group) const { return impostor_[group]; }

    [[nodiscard]] const PairSubset& everything() const { return everything_; }  ///< the pairs of all groups
    [[nodiscard]] const PairSubset& impostor() const { return all_impostor_; }  ///< the impostor pairs of all groups

    /// `influence` [pairs]: what each pair's residual adds to the estimate (0 for pairs outside it).
    /// Returns S [identities], the sum over the pairs that touch a person.
    [[nodiscard]] std::vector<double> identity_sums(std::span<const double> influence) const;
    /// sum over people of S^2, minus what pairs of two people put into two sums: the squared sum of each couple of people.
    /// May be zero or negative in small samples.
    [[nodiscard]] double variance(std::span<const double> influence) const;

private:
    std::vector<std::uint32_t> identity_a_;
    std::vector<std::uint32_t> identity_b_;
    std::vector<std::uint32_t> couple_;  ///< [pairs] number of the unordered couple; kOnePerson when both are the same
    std::uint32_t couples_ = 0;
    std::uint32_t identities_ = 0;
    std::vector<PairSubset> all_, genuine_, impostor_;  ///< [groups]
    PairSubset everything_, all_impostor_;
};

}  // namespace fairsweep
