#pragma once
/// How long a run will still take, as a range. Costs of the plan are guesses; each finished stage teaches how far off the
/// guess is for its kind. Pure: times are arguments.
#include <optional>
#include <utility>

#include "coordinator/coordinator.hpp"

namespace fairsweep {

class EtaModel {
public:
    /// A stage of this kind with this planned cost took so long.
    void on_finished(StageKind kind, double cost_s, double wall_s);

    /// Seconds, [low, high], for what the coordinator has still to do with the workers it has; nothing before the first
    /// stage has finished or while there is nobody to work. The larger of work / workers and the longest chain, each stage
    /// at its learned cost, times a range for what the learned ratios scatter.
    [[nodiscard]] std::optional<std::pair<double, double>> estimate(const Plan& plan, const Coordinator& coordinator) const;

private:
    struct Ratio {  ///< of wall time to planned cost, in logarithms
        double count = 0.0;
        double mean = 0.0;
        double squares = 0.0;  ///< sum of squared deviations (Welford)
    };
    [[nodiscard]] double factor(StageKind kind) const;
    [[nodiscard]] double scatter() const;

    PerEnum<StageKind, Ratio> ratios_;
    Ratio all_;
};

}  // namespace fairsweep
