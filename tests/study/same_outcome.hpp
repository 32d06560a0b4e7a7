#pragma once
/// What two runs of a stage say, but for time and place.
#include "fairsweep/outcome.hpp"
#include "support/catch.hpp"

namespace fairsweep::study_test {

/// `found` has ended well, with the figures of `expected`.
inline void check_same_outcome(const StageOutcome& found, const StageOutcome& expected) {
    INFO(found.message);
    REQUIRE(found.state == StageState::done);
    CHECK(found.scores == expected.scores);
    for (const Metric metric : {Metric::loss_first, Metric::loss_last, Metric::teacher_cosine, Metric::sparsity_measured}) {
        INFO(name_of(metric));
        const double a = found.measured[metric], b = expected.measured[metric];
        CHECK((a == b || (a != a && b != b)));
    }
}

}  // namespace fairsweep::study_test
