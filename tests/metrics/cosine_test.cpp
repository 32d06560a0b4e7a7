#include "metrics/cosine.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("cosines are of the rows named, in float64, whatever their length") {
    const std::vector<float> rows{3, 4, 0, 2, -6, -8, 0, 0, 1e-20F, 1e-20F};
    const std::vector<std::uint32_t> a{0, 0, 0, 0, 1}, b{1, 2, 0, 3, 4};
    const std::vector<double> expected{0.8, -1.0, 1.0, 0.0, std::sqrt(0.5)};
    const std::vector<double> found = cosines(rows, 2, a, b);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-15).margin(1e-15));
    CHECK(found[1] >= -1.0);
}
