#include "statistics/multiplicity.hpp"

#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("Holm and Benjamini-Hochberg equal statsmodels' multipletests") {
    const std::vector<double> p{.212, .001, .008, .039, .041, .042, .06, .074, .205, .216};
    const std::vector<double> expected_holm{.615, .01, .072, .312, .312, .312, .312, .312, .615, .615};
    const std::vector<double> expected_bh{.216, .01, .04, .084, .084, .084, .1, .105714, .216, .216};
    const auto by_holm = holm(p);
    const auto by_bh = benjamini_hochberg(p);
    for (std::size_t i = 0; i < p.size(); ++i) {
        CHECK(by_holm[i] == Approx(expected_holm[i]).epsilon(1e-9));
        CHECK(by_bh[i] == Approx(expected_bh[i]).epsilon(1e-5));
    }
    CHECK(holm({}).empty());
    CHECK(holm(std::vector<double>{.6, .7}) == std::vector<double>{1.0, 1.0});
}
