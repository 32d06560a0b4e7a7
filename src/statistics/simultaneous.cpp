#include "statistics/simultaneous.hpp"

#include <algorithm>
#include <cmath>

#include "fairsweep/random.hpp"
#include "metrics/fairness.hpp"
#include "statistics/quantiles.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kMostDraws = 4000;
constexpr std::size_t kMostNumbers = 400'000;  // draws times members: keeps a family of hundreds below a second

/// Gamma with scale 1 (Marsaglia and Tsang, 2000).
double gamma_variate(double shape, RandomStream& stream) {
    if (shape < 1.0) return gamma_variate(shape + 1.0, stream) * std::pow(1.0 - stream.uniform(), 1.0 / shape);
    const double d = shape - 1.0 / 3.0;
    const double c = 1.0 / std::sqrt(9.0 * d);
    for (;;) {
        const double x = stream.normal();
        const double v = std::pow(1.0 + c * x, 3);
        if (v > 0.0 && std::log(1.0 - stream.uniform()) < 0.5 * x * x + d * (1.0 - v + std::log(v))) return d * v;
    }
}

double t_variate(double normal, double degrees_of_freedom, RandomStream& stream) {
    if (std::isinf(degrees_of_freedom)) return normal;
    return normal / std::sqrt(gamma_variate(0.5 * degrees_of_freedom, stream) / (0.5 * degrees_of_freedom));
}

/// Smallest p value of the family in each draw, when every estimate is right but for chance.
std::vector<double> smallest_p_values(std::span<const FamilyMember> family, std::uint64_t seed) {
    std::vector<double> deviation;
    for (const FamilyMember& member : family) deviation.push_back(sample_deviation(member.deviations).value_or(0.0));
    const std::size_t replicates = family.front().deviations.size();
    const std::size_t draws = std::clamp(kMostNumbers / family.size(), std::min(replicates, kMostDraws), kMostDraws);
    RandomStream stream(seed, family.size(), "simultaneous");
    std::vector<double> smallest;
    for (std::size_t draw = 0; draw < draws; ++draw) {
        double least = 1.0;
        for (std::size_t j = 0; j < family.size(); ++j) {
            const FamilyMember& member = family[j];
            const double people = deviation[j] > 0.0 ? member.deviations[draw % replicates] / deviation[j] : stream.normal();
            const double normal =
                std::sqrt(member.people_share) * people + std::sqrt(1.0 - member.people_share) * stream.normal();
            const double df = member.estimate.degrees_of_freedom;
            least = std::min(least, student_t_two_sided(t_variate(normal, df, stream), df));
        }
        smallest.push_back(least);
    }
    return smallest;
}

}  // namespace

std::vector<Interval> simultaneous_intervals(std::span<const FamilyMember> family, std::uint64_t seed) {
    if (family.empty()) return {};
    if (family.size() == 1) return {family.front().estimate.interval};
    std::vector<double> smallest = smallest_p_values(family, seed);
    std::sort(smallest.begin(), smallest.end());
    const auto place = static_cast<std::size_t>((1.0 - kConfidence) * static_cast<double>(smallest.size()));
    const double level = std::min(1.0 - kConfidence, smallest[place]);
    std::vector<Interval> intervals;
    for (const FamilyMember& member : family) {
        const Estimate& e = member.estimate;
        const double half = student_t_quantile(1.0 - level / 2.0, e.degrees_of_freedom) * std::sqrt(e.variance);
        intervals.push_back({e.value - half, e.value + half});
    }
    return intervals;
}

}  // namespace fairsweep
