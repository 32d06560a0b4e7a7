#pragma once
/// How often intervals hold the truth, counted over simulated test sets; each line says its own Monte-Carlo error.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "statistics/contrast.hpp"
#include "support/catch.hpp"

namespace fairsweep {

using Truth = std::vector<double>;

/// Simulations of a cell: few; 2,000 when FAIRSWEEP_TEST_LONG is set (./scripts/test --long), or as many as it says above 1.
inline std::uint32_t simulations(std::uint32_t few) {
    const char* const asked = std::getenv("FAIRSWEEP_TEST_LONG");
    if (asked == nullptr) return few;
    const int count = std::atoi(asked);
    return count > 1 ? static_cast<std::uint32_t>(count) : 2000;
}

/// Standard error of a share that is `nominal`, in `trials` independent trials.
inline double monte_carlo_error(std::uint32_t trials, double nominal = 0.95) {
    return std::sqrt(nominal * (1.0 - nominal) / trials);
}

class Coverage {
public:
    Coverage(std::string cell, std::uint32_t runs) : cell_(std::move(cell)), runs_(runs) {}

    void add(const std::string& what, const Interval& interval, double truth) {
        add(what, interval.low <= truth + 1e-12 && truth <= interval.high + 1e-12);
    }
    void add(const std::string& what, bool hit) {
        std::array<std::uint32_t, 2>& count = count_[what];
        ++count[0];
        count[1] += hit ? 1U : 0U;
    }
    /// Prints the share and its Monte-Carlo error (of the runs: groups of one run are not independent).
    [[nodiscard]] double of(const std::string& what) const {
        const auto& [trials, hits] = count_.at(what);
        const double share = hits / static_cast<double>(trials);
        std::printf("%-44s %-40s %5.1f %% +- %.1f (%u runs)\n", cell_.c_str(), what.c_str(), 100.0 * share,
                    100.0 * monte_carlo_error(runs_, std::min(0.99, std::max(0.01, share))), runs_);
        return share;
    }
    [[nodiscard]] double error() const { return monte_carlo_error(runs_); }
    /// 93-97 %, three Monte-Carlo errors allowed on either side.
    void check_nominal(const std::string& what) const {
        const double share = of(what);
        INFO(cell_ << ": " << what);
        CHECK(share > 0.93 - 3 * error());
        CHECK(share < 0.97 + 3 * error());
    }
    void check_at_least(const std::string& what, double least) const {
        const double share = of(what);
        INFO(cell_ << ": " << what);
        CHECK(share > least - 3 * error());
    }

private:
    std::string cell_;
    std::uint32_t runs_;
    std::map<std::string, std::array<std::uint32_t, 2>> count_;
};

}  // namespace fairsweep
