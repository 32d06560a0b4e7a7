#include "metrics/distance.hpp"

#include <cmath>
#include <vector>

#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("distances of unit vectors become their cosines") {
    const std::vector<double> cosines{1.0, 0.5, 0.0, -1.0};
    std::vector<double> cosine{0.0, 0.5, 1.0, 2.0}, squared{0.0, 1.0, 2.0, 4.0}, euclidean{0.0, 1.0, std::sqrt(2.0), 2.0};
    CHECK(distances_to_similarities(cosine, Distance::cosine).warning.empty());
    CHECK(distances_to_similarities(squared, Distance::squared).warning.empty());
    CHECK(distances_to_similarities(euclidean, Distance::euclidean).warning.empty());
    CHECK(cosine == cosines);
    CHECK(squared == cosines);
    for (std::size_t i = 0; i < cosines.size(); ++i) CHECK(euclidean[i] == Approx(cosines[i]).margin(1e-15));
}

TEST_CASE("distances of an unsaid kind are cosine distances, with a warning, or only ordered") {
    std::vector<double> small{-1e-7, 0.5, 2.0}, large{0.0, 0.5, 17.0};
    CHECK_THAT(distances_to_similarities(small, Distance::unsaid).warning, ContainsSubstring("cosine distances"));
    CHECK(small == std::vector<double>{1.0, 0.5, -1.0});
    CHECK_THAT(distances_to_similarities(large, Distance::unsaid).warning, ContainsSubstring("negated"));
    CHECK(large == std::vector<double>{0.0, -0.5, -17.0});
    for (const Distance kind : {Distance::unsaid, Distance::cosine, Distance::squared, Distance::euclidean}) {
        std::vector<double> negative{-0.1, 0.5};
        CHECK_THROWS_AS(distances_to_similarities(negative, kind), Error);
    }
    std::vector<double> far{0.1, 2.1};
    CHECK_THROWS_WITH(distances_to_similarities(far, Distance::cosine),
                      ContainsSubstring("2.1") && ContainsSubstring("at most 2"));
    CHECK(distance_of("guess") == Distance::unsaid);
    CHECK_FALSE(distance_of("manhattan"));
}

TEST_CASE("scores a rounding beyond 1 are put onto it, and others are left") {
    std::vector<double> rounded{1.0000001192092896, 0.5, -1.000009, 1.0}, percent{1.0000001, 99.0};
    CHECK(clamp_cosines(rounded) == 2);
    CHECK(rounded == std::vector<double>{1.0, 0.5, -1.0, 1.0});
    CHECK(clamp_cosines(percent) == 0);
    CHECK(percent[0] == 1.0000001);
}
