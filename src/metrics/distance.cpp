#include "metrics/distance.hpp"

#include <algorithm>
#include <cmath>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr double kRounding = 1e-5;

[[noreturn]] void refuse(double value, const std::string& expected, const std::string& hint) {
    throw_data({.attempted = "cannot take the scores as distances",
                .found = "the distance " + exact_number(value),
                .expected = expected,
                .hint = hint});
}

void check_range(double low, double high, Distance kind) {
    if (low < -kRounding) refuse(low, "0 or more", "similarities need no --distance");
    const double limit = kind == Distance::squared ? 4.0 : 2.0;
    if (kind != Distance::unsaid && high > limit + kRounding)
        refuse(high, "at most " + exact_number(limit) + ", as unit vectors have", "--distance alone takes distances of any kind");
}

double cosine_of(double distance, Distance kind) {
    switch (kind) {
        case Distance::cosine:
            return 1.0 - distance;
        case Distance::squared:
            return 1.0 - distance / 2.0;
        case Distance::euclidean:
            return 1.0 - distance * distance / 2.0;
        case Distance::unsaid:
            break;
    }
    return -distance;
}

DistanceRule rule_of(Distance kind) {
    const std::string rest = "; a pair matches when similarity >= threshold";
    switch (kind) {
        case Distance::cosine:
            return {"similarity = 1 - distance (cosine distances)" + rest, {}};
        case Distance::squared:
            return {"similarity = 1 - distance / 2 (squared Euclidean distances of unit vectors)" + rest, {}};
        case Distance::euclidean:
            return {"similarity = 1 - distance^2 / 2 (Euclidean distances of unit vectors)" + rest, {}};
        case Distance::unsaid:
            break;
    }
    return {"similarity = -distance" + rest,
            "distances above 2 of an unsaid kind were negated: rates, eer and auc are right, but without cosines there is no "
            "accuracy_10fold; --distance=squared (2 - 2 cos) or --distance=euclidean gives it where they are such distances"};
}

}  // namespace

std::optional<Distance> distance_of(const std::string& word) {
    if (word == "guess") return Distance::unsaid;
    if (word == "cosine") return Distance::cosine;
    if (word == "squared") return Distance::squared;
    if (word == "euclidean") return Distance::euclidean;
    return std::nullopt;
}

DistanceRule distances_to_similarities(std::span<double> values, Distance kind) {
    if (values.empty()) return rule_of(kind);
    const auto [low, high] = std::ranges::minmax(values);
    check_range(low, high, kind);
    const bool is_guessed = kind == Distance::unsaid && high <= 2.0 + kRounding;
    if (is_guessed) kind = Distance::cosine;
    for (double& value : values) {
        value = cosine_of(value, kind);
        if (kind != Distance::unsaid) value = std::clamp(value, -1.0, 1.0);  // the rounding that was allowed
    }
    DistanceRule rule = rule_of(kind);
    if (is_guessed)
        rule.warning =
            "distances from 0 to 2 were taken as cosine distances, 1 - cos; if they are others of unit vectors, give "
            "--distance=squared (2 - 2 cos) or --distance=euclidean: accuracy_10fold and what follows from it differ a little";
    return rule;
}

std::size_t clamp_cosines(std::span<double> scores) {
    const auto beyond = [](double score) { return std::abs(score) - 1.0; };
    if (std::ranges::any_of(scores, [&](double score) { return beyond(score) > kRounding; })) return 0;
    std::size_t clamped = 0;
    for (double& score : scores) {
        if (beyond(score) <= 0.0) continue;
        score = std::copysign(1.0, score);
        ++clamped;
    }
    return clamped;
}

}  // namespace fairsweep
