#include "statistics/multiplicity.hpp"

#include <algorithm>
#include <numeric>

namespace fairsweep {
namespace {

std::vector<std::size_t> ascending_order(std::span<const double> values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [values](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    return order;
}

}  // namespace

std::vector<double> holm(std::span<const double> p_values) {
    std::vector<double> adjusted(p_values.size());
    double running = 0.0;
    std::size_t rank = 0;
    for (const std::size_t i : ascending_order(p_values)) {
        running = std::max(running, p_values[i] * static_cast<double>(p_values.size() - rank));
        adjusted[i] = std::min(1.0, running);
        ++rank;
    }
    return adjusted;
}

std::vector<double> benjamini_hochberg(std::span<const double> p_values) {
    std::vector<double> adjusted(p_values.size());
    const std::vector<std::size_t> order = ascending_order(p_values);
    double running = 1.0;
    for (std::size_t rank = order.size(); rank > 0; --rank) {
        const std::size_t i = order[rank - 1];
        running = std::min(running, p_values[i] * static_cast<double>(order.size()) / static_cast<double>(rank));
        adjusted[i] = running;
    }
    return adjusted;
}

}  // namespace fairsweep
