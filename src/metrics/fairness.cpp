#include "metrics/fairness.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fairsweep {

std::optional<double> average(std::span<const double> values) {
    if (values.empty()) return std::nullopt;
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> sample_deviation(std::span<const double> values) {
    if (values.size() < 2) return std::nullopt;
    const double mean = *average(values);
    double squares = 0.0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::optional<double> skewed_error_ratio(std::span<const double> accuracies_percent) {
    if (accuracies_percent.empty()) return std::nullopt;
    const auto [low, high] = std::minmax_element(accuracies_percent.begin(), accuracies_percent.end());
    if (!(100.0 - *high > 0.0)) return std::nullopt;
    return (100.0 - *low) / (100.0 - *high);
}

std::optional<double> largest_gap(std::span<const double> values) {
    if (values.empty()) return std::nullopt;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return *high - *low;
}

std::optional<double> fairness_discrepancy_rate(std::span<const double> fmr, std::span<const double> fnmr, double alpha) {
    const auto fmr_gap = largest_gap(fmr);
    const auto fnmr_gap = largest_gap(fnmr);
    if (!fmr_gap || !fnmr_gap) return std::nullopt;
    return 1.0 - (alpha * *fmr_gap + (1.0 - alpha) * *fnmr_gap);
}

std::optional<double> inequity_rate(std::span<const double> fmr, std::span<const double> fnmr, double alpha) {
    const auto ratio = [](std::span<const double> values) -> std::optional<double> {
        if (values.empty()) return std::nullopt;
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        return *low > 0.0 ? std::optional(*high / *low) : std::nullopt;
    };
    const auto fmr_ratio = ratio(fmr);
    const auto fnmr_ratio = ratio(fnmr);
    if (!fmr_ratio || !fnmr_ratio) return std::nullopt;
    return std::pow(*fmr_ratio, alpha) * std::pow(*fnmr_ratio, 1.0 - alpha);
}

std::optional<double> gini(std::span<const double> values) {
    if (values.size() < 2) return std::nullopt;
    const double mean = *average(values);
    if (mean == 0.0) return 0.0;
    double differences = 0.0;
    for (const double a : values) {
        for (const double b : values) differences += std::abs(a - b);
    }
    const auto count = static_cast<double>(values.size());
    return count / (count - 1.0) * differences / (2.0 * count * count * mean);
}

std::optional<double> garbe(std::span<const double> fmr, std::span<const double> fnmr, double alpha) {
    const auto fmr_gini = gini(fmr);
    const auto fnmr_gini = gini(fnmr);
    if (!fmr_gini || !fnmr_gini) return std::nullopt;
    return alpha * *fmr_gini + (1.0 - alpha) * *fnmr_gini;
}

}  // namespace fairsweep
