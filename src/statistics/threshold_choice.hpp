#pragma once
/// What choosing thresholds on the data adds to the variance of a ten-fold accuracy. Intervals that take the thresholds as
/// given may cover less than they promise (89-91 % in some simulations); counting the choice errs to the safe side
/// (tests/statistics/coverage_test.cpp: 97-98 %).
#include <cstdint>
#include <span>
#include <vector>

#include "fairsweep/items.hpp"
#include "metrics/ten_fold.hpp"
#include "statistics/spread.hpp"

namespace fairsweep {

/// Ten-fold accuracies (fractions) under random weights: a pair weighs w_a * w_b, a pair of one person w.
struct ThresholdReplicates {
    std::vector<double> frozen;      ///< [replicates] thresholds as chosen on the unweighted pairs
    std::vector<double> reselected;  ///< [replicates] thresholds chosen anew on the weighted pairs
};

/// `scores` [pairs of the table] are cosines; `folds` is the ten-fold result of the group. `replicates` of the bootstrap
/// are used (200 give the ratio of variances to about 5 %).
[[nodiscard]] ThresholdReplicates threshold_replicates(const IdentityBootstrap& bootstrap, const ItemTable& table,
                                                       std::uint32_t group, std::span<const double> scores, const TenFold& folds,
                                                       std::uint32_t replicates = 200);

/// Collects the same linear combination as a LinearContrast, and tells how much its variance grows: at least 1.
class ThresholdInflation {
public:
    void add(const ThresholdReplicates& replicates, double weight);
    [[nodiscard]] double value() const;

private:
    std::vector<double> frozen_, reselected_;
};

}  // namespace fairsweep
