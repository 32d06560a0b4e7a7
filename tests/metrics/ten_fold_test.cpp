#include "metrics/ten_fold.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fairsweep/files.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

// The number generator, the embeddings and the distances of tests/golden/quantface/verification.json, as the program that
// made it defines them (dimension 64, seed 1): only results are stored there.
double golden_uniform(std::uint64_t element, std::uint64_t stream) {
    auto h = static_cast<std::uint32_t>(element * 2654435761ULL + stream * 40503ULL + 9176ULL + 12345ULL);
    h ^= h >> 16;
    h *= 0x85EBCA6BU;
    h ^= h >> 13;
    h *= 0xC2B2AE35U;
    h ^= h >> 16;
    return h / 4294967296.0;
}

constexpr std::size_t kDimension = 64;
using Embedding = std::array<double, kDimension>;

void normalise(Embedding& e) {
    const double norm = std::sqrt(std::inner_product(e.begin(), e.end(), e.begin(), 0.0));
    if (norm > 0.0)
        for (double& x : e) x /= norm;
}

double distance(const Embedding& a, const Embedding& b) {
    double sum = 0.0;
    for (std::size_t d = 0; d < kDimension; ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

/// Row of the two views: float32, the second view shifted, summed, normalised.
void finish(Embedding& e, std::size_t row, bool flip, std::uint64_t kbase) {
    for (std::size_t d = 0; d < kDimension; ++d) {
        const auto first = static_cast<double>(static_cast<float>(e[d]));
        e[d] = first;
        if (flip)
            e[d] += static_cast<double>(
                static_cast<float>(first + 0.5 * (2.0 * golden_uniform(row * kDimension + d, kbase + 6) - 1.0)));
    }
    normalise(e);
}

std::vector<double> golden_distances(const nlohmann::json& test_case, const std::vector<std::uint8_t>& same) {
    const std::uint64_t k = test_case["kbase"];
    const double offset = test_case["amplitude"][0];
    const double span = test_case["amplitude"][1];
    std::vector<double> distances;
    for (std::size_t i = 0; i < same.size(); ++i) {
        const double amplitude = offset + span * golden_uniform(i, k + 4);
        const double likeness = golden_uniform(i, k + 5);
        Embedding a{};
        Embedding b{};
        for (std::size_t d = 0; d < kDimension; ++d) {
            const std::size_t j = i * kDimension + d;
            const auto signed_uniform = [j](std::uint64_t stream) { return 2.0 * golden_uniform(j, stream) - 1.0; };
            a[d] = signed_uniform(k + 1);
            b[d] = same[i] != 0 ? a[d] + amplitude * signed_uniform(k + 2) : signed_uniform(k + 3) + 0.6 * likeness * a[d];
        }
        finish(a, 2 * i, test_case["flip"], k);
        finish(b, 2 * i + 1, test_case["flip"], k);
        distances.push_back(distance(a, b));
    }
    return distances;
}

std::vector<double> tie_distances(const std::vector<std::uint8_t>& same) {
    std::vector<double> distances;
    for (std::size_t i = 0; i < same.size(); ++i) {
        const double m =
            same[i] != 0 ? std::floor(9.0 * golden_uniform(i, 400401)) : 4.0 + std::floor(9.0 * golden_uniform(i, 400402));
        distances.push_back(m / 4.0);
    }
    return distances;
}

std::vector<std::uint8_t> golden_labels(const std::string& rule, std::size_t pairs) {
    std::vector<std::uint8_t> same(pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
        if (rule == "(i / 30) even")
            same[i] = i / 30 % 2 == 0;
        else if (rule == "i < 300")
            same[i] = i < 300;
        else if (rule == "u(j=i, k=400206) < 0.15")
            same[i] = golden_uniform(i, 400206) < 0.15;
        else
            FAIL("unknown label rule " << rule);
    }
    return same;
}

}  // namespace

TEST_CASE("Ten-fold accuracy equals the reference program's, fold by fold") {
    const auto golden = nlohmann::json::parse(read_text_file(FAIRSWEEP_SOURCE_DIR "/tests/golden/quantface/verification.json"));
    REQUIRE(golden["cases"].size() == 5);
    for (const auto& [name, expected] : golden["cases"].items()) {
        INFO("case " << name);
        const std::vector<std::uint8_t> same = golden_labels(expected["same"], expected["pairs"]);
        REQUIRE(std::accumulate(same.begin(), same.end(), 0) == expected["same_pairs"].get<int>());
        const std::vector<double> distances = name == "grid_ties" ? tie_distances(same) : golden_distances(expected, same);
        REQUIRE(std::accumulate(distances.begin(), distances.end(), 0.0) ==
                Approx(expected["distance_sum"].get<double>()).epsilon(1e-13));

        const auto result = ten_fold_from_distances(distances, same);
        REQUIRE(result);
        CHECK(result->accuracy_percent == Approx(100.0 * expected["accuracy_mean"].get<double>()).epsilon(1e-13));
        std::uint32_t correct = 0;
        for (std::uint32_t fold = 0; fold < kFolds; ++fold) {
            const auto [begin, end] = fold_range(static_cast<std::uint32_t>(same.size()), fold);
            CHECK(end - begin == expected["fold_sizes"][fold].get<std::uint32_t>());
            CHECK(result->threshold_index[fold] == expected["best_threshold_index"][fold].get<std::uint32_t>());
            CHECK(result->fold_accuracy[fold] == Approx(expected["fold_accuracy"][fold].get<double>()).epsilon(1e-13));
            const auto flags = std::span(result->correct).subspan(begin, end - begin);
            const auto in_fold = static_cast<std::uint32_t>(std::accumulate(flags.begin(), flags.end(), 0));
            CHECK(in_fold == static_cast<std::uint32_t>(std::lround(result->fold_accuracy[fold] * (end - begin))));
            correct += in_fold;
        }
        CHECK(result->correct_total == correct);
    }
}

TEST_CASE("The first accepting threshold is the first grid value strictly above the distance") {
    for (std::uint32_t i = 0; i < kGridThresholds; ++i) {
        const double t = grid_threshold(i);
        CHECK(first_accepting_threshold(t) == i + 1);  // strict: the threshold itself does not accept
        CHECK(first_accepting_threshold(std::nextafter(t, -1.0)) == i);
        CHECK(first_accepting_threshold(std::nextafter(t, 5.0)) == i + 1);
    }
    CHECK(first_accepting_threshold(-0.5) == 0);
    CHECK(first_accepting_threshold(17.0) == kGridThresholds);
    CHECK(first_accepting_threshold(std::numeric_limits<double>::quiet_NaN()) == kGridThresholds);
    CHECK(first_accepting_threshold(std::numeric_limits<double>::infinity()) == kGridThresholds);
}

TEST_CASE("Folds are those of scikit-learn's KFold without shuffling") {
    std::vector<std::uint32_t> sizes;
    for (std::uint32_t fold = 0; fold < kFolds; ++fold) sizes.push_back(fold_range(47, fold).second - fold_range(47, fold).first);
    CHECK(sizes == std::vector<std::uint32_t>{5, 5, 5, 5, 5, 5, 5, 4, 4, 4});
    CHECK(fold_range(6000, 3) == std::pair<std::uint32_t, std::uint32_t>{1800, 2400});
    CHECK(fold_range(47, 9).second == 47);
}

TEST_CASE("Cosines become squared distances, and too few pairs have no ten-fold accuracy") {
    CHECK(squared_distance(1.0) == 0.0);
    CHECK(squared_distance(-1.0) == 4.0);
    const std::vector<std::uint8_t> genuine(9, 1);
    CHECK_FALSE(ten_fold_from_scores(std::vector<double>(9, 1.0), genuine));
    // A cosine of 1 is accepted from threshold 0.01 on; the lowest of equally good thresholds is taken.
    const auto all = ten_fold_from_scores(std::vector<double>(10, 1.0), std::vector<std::uint8_t>(10, 1));
    REQUIRE(all);
    CHECK(all->accuracy_percent == Approx(100.0));
    CHECK(all->threshold_index[0] == 1);
    CHECK(all->correct_total == 10);
}

TEST_CASE("folds that a list names are as many as it names: each threshold is chosen on the others") {
    // Three folds; genuine distance 0.5, impostor 1.5, but fold 2 has a genuine pair at 1.2.
    const std::vector<double> distances{0.5, 1.5, 0.5, 1.5, 1.2, 1.5};
    const std::vector<std::uint8_t> genuine{1, 0, 1, 0, 1, 0};
    const auto result = ten_fold_from_distances(distances, genuine, FoldBounds{0, 2, 4, 6});
    REQUIRE(result);
    CHECK(result->folds() == 3);
    CHECK(result->threshold_index == std::vector<std::uint32_t>{121, 121, 51});
    CHECK(result->correct == std::vector<std::uint8_t>{1, 1, 1, 1, 0, 1});
    CHECK(result->accuracy_percent == Approx(100.0 * (1.0 + 1.0 + 0.5) / 3.0));
    CHECK_FALSE(ten_fold_from_distances(distances, genuine, FoldBounds{0, 6}));        // no other fold
    CHECK_FALSE(ten_fold_from_distances(distances, genuine, FoldBounds{0, 2, 2, 6}));  // an empty one
}
