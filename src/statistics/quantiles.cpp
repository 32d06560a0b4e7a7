#include "statistics/quantiles.hpp"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace fairsweep {
namespace bm = boost::math;

double normal_quantile(double p) { return bm::quantile(bm::normal(), p); }

double student_t_quantile(double p, double degrees_of_freedom) {
    if (std::isinf(degrees_of_freedom)) return normal_quantile(p);
    return bm::quantile(bm::students_t(degrees_of_freedom), p);
}

double chi_square_upper_tail(double x, double degrees_of_freedom) {
    return bm::cdf(bm::complement(bm::chi_squared(degrees_of_freedom), x));
}

double student_t_two_sided(double t, double degrees_of_freedom) {
    if (std::isinf(degrees_of_freedom)) return 2.0 * bm::cdf(bm::complement(bm::normal(), std::abs(t)));
    return 2.0 * bm::cdf(bm::complement(bm::students_t(degrees_of_freedom), std::abs(t)));
}

}  // namespace fairsweep
