#pragma once
/// Intervals that hold all together: the one to quote for the largest of many.
#include <cstdint>
#include <span>
#include <vector>

#include "statistics/contrast.hpp"

namespace fairsweep {

/// One estimate of a family.
struct FamilyMember {
    Estimate estimate;
    double people_share = 1.0;       ///< of the variance, by the choice of people; the rest is the luck of training
    std::vector<double> deviations;  ///< [replicates] of the identity bootstrap, any scale: how people move it
};

/// Intervals, in the order given, that hold all truths of the family in 95 % of cases (max-t, single step; limits have equal
/// tails, also where degrees of freedom differ). People tie the members together as their deviations do; the luck of
/// training is taken as independent between members, which can only widen. `seed` keys the draws.
[[nodiscard]] std::vector<Interval> simultaneous_intervals(std::span<const FamilyMember> family, std::uint64_t seed);

}  // namespace fairsweep
