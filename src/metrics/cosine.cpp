#include "metrics/cosine.hpp"

#include <algorithm>
#include <cmath>

#include "fairsweep/check.hpp"

namespace fairsweep {
namespace {

double dot(std::span<const float> a, std::span<const float> b) {
    double sum = 0.0;
    for (std::size_t d = 0; d < a.size(); ++d) sum += static_cast<double>(a[d]) * static_cast<double>(b[d]);
    return sum;
}

}  // namespace

std::vector<double> cosines(std::span<const float> embeddings, std::size_t dimensions, std::span<const std::uint32_t> a,
                            std::span<const std::uint32_t> b) {
    FAIRSWEEP_CHECK(dimensions > 0 && embeddings.size() % dimensions == 0 && a.size() == b.size(), "pair rows of a matrix");
    const std::size_t rows = embeddings.size() / dimensions;
    const auto row = [&](std::uint32_t index) {
        FAIRSWEEP_CHECK(index < rows, "a row that is there");
        return embeddings.subspan(index * dimensions, dimensions);
    };
    std::vector<double> norms(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        const auto values = row(static_cast<std::uint32_t>(i));
        norms[i] = std::sqrt(dot(values, values));
    }
    std::vector<double> result(a.size());
    for (std::size_t i = 0; i < result.size(); ++i) {
        const double scale = norms[a[i]] * norms[b[i]];
        result[i] = std::clamp(dot(row(a[i]), row(b[i])) / scale, -1.0, 1.0);  // NaN stays NaN
    }
    return result;
}

const char* row_fault(std::span<const float> row) {
    if (std::ranges::any_of(row, [](float value) { return std::isnan(value); })) return "a value that is NaN";
    if (std::ranges::any_of(row, [](float value) { return std::isinf(value); })) return "an infinite value";
    if (std::ranges::all_of(row, [](float value) { return value == 0.0F; })) return "zeros only";
    return nullptr;
}

}  // namespace fairsweep
