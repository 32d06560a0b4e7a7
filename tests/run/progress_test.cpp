#include "run/progress.hpp"

#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("No rest is guessed in the first seconds") {
    CHECK(count_text(32, 2400, "images", 0.0, 0) == "32/2400 images");
    CHECK(count_text(32, 2400, "images", 2.9, 0) == "32/2400 images");
    CHECK(count_text(600, 2400, "images", 10.0, 0) == "600/2400 images, left 30 s");
    CHECK(count_text(2400, 2400, "images", 40.0, 0) == "2400/2400 images");
}
