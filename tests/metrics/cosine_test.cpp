#include "metrics/cosine.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("cosines are of the rows named, in float64, whatever their length") {
    const std::vector<float> rows{3, 4, 0, 2, -6, -8, 0, 0, 1e-20F, 1e-20F};
    const std::vector<std::uint32_t> a{0, 0, 0, 1}, b{1, 2, 0, 4};
    const std::vector<double> expected{0.8, -1.0, 1.0, std::sqrt(0.5)};
    const std::vector<double> found = cosines(rows, 2, a, b);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-15).margin(1e-15));
    CHECK(found[1] >= -1.0);
}

TEST_CASE("a row without a direction has no cosine, and says why") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinite = std::numeric_limits<float>::infinity();
    const std::vector<float> rows{3, 4, 0, 0, nan, 1, infinite, 1};
    const std::vector<std::uint32_t> a{0, 0, 0, 1}, b{1, 2, 3, 1};
    for (const double cosine : cosines(rows, 2, a, b)) CHECK(std::isnan(cosine));
    const auto row = [&rows](std::size_t i) { return std::span(rows).subspan(2 * i, 2); };
    CHECK(row_fault(row(0)) == nullptr);
    CHECK(std::string(row_fault(row(1))) == "zeros only");
    CHECK(std::string(row_fault(row(2))) == "a value that is NaN");
    CHECK(std::string(row_fault(row(3))) == "an infinite value");
}
