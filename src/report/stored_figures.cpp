#include "report/stored_figures.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fairsweep/error.hpp"
#include "metrics/evaluation.hpp"

namespace fairsweep {
namespace {

/// Percentage points. Both numbers come from the same whole counts; only the order of a few additions may differ.
constexpr double kTolerance = 1e-9;

[[noreturn]] void contradiction(const AnalysisInput& input, std::size_t point, std::size_t group, const char* figure,
                                double stored, double recomputed) {
    throw_store(
        {.attempted = "the stored figures of a point are not those of its scores",
         .where = fmt::format("point {}, group {}, {}", input.points[point].point.id.short_hex(), input.groups[group], figure),
         .found = fmt::format("{} stored, {} from the scores", stored, recomputed),
         .expected = "the same number",
         .hint = "the file or its store was changed, or another version of fairsweep evaluated it: merge again from the "
                 "store; if that does not help, evaluate again in a new store"});
}

}  // namespace

void check_stored_figures(const AnalysisInput& input, std::size_t point, std::span<const float> scores) {
    const VerificationFigures figures = verification_figures(input.pairs, scores);
    for (std::size_t group = 0; group < figures.groups.size(); ++group) {
        const GroupFigures stored = figures_of(input.points[point].figures[group]);
        const GroupFigures& recomputed = figures.groups[group];
        const auto compare = [&](const char* name, double stored_value, double recomputed_value) {
            if (std::isnan(recomputed_value) || std::abs(stored_value - recomputed_value) <= kTolerance) return;
            contradiction(input, point, group, name, stored_value, recomputed_value);
        };
        compare("genuine", stored.genuine, recomputed.genuine);
        compare("impostor", stored.impostor, recomputed.impostor);
        compare("accuracy_10fold", stored.accuracy_10fold, recomputed.accuracy_10fold);
        compare("accuracy_pooled", stored.accuracy_pooled, recomputed.accuracy_pooled);
    }
}

}  // namespace fairsweep
