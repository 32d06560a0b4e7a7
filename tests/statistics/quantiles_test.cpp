#include "statistics/quantiles.hpp"

#include <limits>

#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("Quantiles and tails equal those of SciPy 1.10") {
    CHECK(normal_quantile(0.975) == Approx(1.959963984540054).epsilon(1e-14));
    CHECK(student_t_quantile(0.975, 5) == Approx(2.5705818356363146).epsilon(1e-12));
    CHECK(student_t_quantile(0.975, 2.5) == Approx(3.5746548420036817).epsilon(1e-10));
    CHECK(student_t_quantile(0.975, std::numeric_limits<double>::infinity()) == normal_quantile(0.975));
    CHECK(chi_square_upper_tail(7.814727903251179, 3) == Approx(0.05).epsilon(1e-12));
    CHECK(chi_square_upper_tail(0.0, 3) == 1.0);
    CHECK(student_t_two_sided(-2.5705818356363146, 5) == Approx(0.05).epsilon(1e-12));
    CHECK(student_t_two_sided(1.959963984540054, std::numeric_limits<double>::infinity()) == Approx(0.05).epsilon(1e-12));
}
