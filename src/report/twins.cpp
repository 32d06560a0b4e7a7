#include "report/twins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/names.hpp"
#include "report/references.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kNamesShown = 4;

std::size_t shared_seeds(const AnalysedConfiguration& a, const AnalysedConfiguration& b) {
    return static_cast<std::size_t>(std::count_if(a.seeds.begin(), a.seeds.end(), [&b](std::uint64_t seed) {
        return std::find(b.seeds.begin(), b.seeds.end(), seed) != b.seeds.end();
    }));
}

/// The sham points of a sweep, done or not.
struct PlannedShams {
    explicit PlannedShams(const AnalysisInput& input) {
        for (std::size_t i = 0; i < input.points.size(); ++i) {
            const AnalysisPoint& point = input.points[i];
            if (point.point.arm != Arm::sham) continue;
            by_recipe.add(point.point.axes, {point.recipes.baseline, point.recipes.finetune}, i);
            by_axes.add(point.point.axes, {}, i);
            any = true;
        }
    }
    StandIns by_recipe, by_axes;
    bool any = false;
};

/// "2 failed, 1 waiting"; empty when there are no points.
std::string states_of(const AnalysisInput& input, const std::vector<std::size_t>& points) {
    std::map<std::string, std::size_t> count;
    for (const std::size_t point : points) ++count[name_of(input.points[point].state)];
    std::string text;
    for (const auto& [state, number] : count) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, state);
    return text;
}

/// Why a compressed configuration cannot be compared with a twin.
std::string reason_of(const AnalysisInput& input, const PlannedShams& shams, bool has_twin, const Configuration& compressed) {
    if (has_twin) return "the sham has no seed in common with it";
    const auto of_recipe =
        twins_among(shams.by_recipe, compressed.axes, {compressed.baseline_recipe, compressed.finetune_recipe});
    if (!of_recipe.empty()) return "points of the sham: " + states_of(input, of_recipe);
    if (!shams.any) return "the sweep has no sham arm";
    return twins_among(shams.by_axes, compressed.axes, {}).empty()
               ? "no sham point of it was planned: left out by a rule, perhaps"
               : "the sham was trained by another recipe";
}

}  // namespace

std::vector<std::string> twin_warnings(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& all) {
    const ConfigurationNames names(all, input.axes);
    const References references(all);
    const PlannedShams shams(input);
    std::map<std::string, std::vector<std::string>> alone;  // by reason
    std::size_t count = 0, fewer_seeds = 0;
    for (const AnalysedConfiguration& item : all) {
        if (item.configuration.arm != Arm::compressed) continue;
        const auto twin = references.sham_twin(item.configuration);
        const std::size_t shared = twin ? shared_seeds(item, all[*twin]) : 0;
        fewer_seeds += shared > 0 && shared < item.seeds.size() ? 1 : 0;
        if (shared > 0) continue;
        ++count;
        alone[reason_of(input, shams, twin.has_value(), item.configuration)].push_back(names(item.configuration));
    }
    std::vector<std::string> warnings;
    std::string why;
    for (const auto& [reason, configurations] : alone)
        why += fmt::format("{}{} ({})", why.empty() ? "" : "; ", listed(configurations, kNamesShown), reason);
    if (count > 0)
        warnings.push_back(fmt::format("{} {} no sham twin, so nothing is said about what compression did there: {}",
                                       counted(count, "compressed configuration"), count == 1 ? "has" : "have", why));
    if (fewer_seeds > 0)
        warnings.push_back(fmt::format("{} {} compared with the sham twin over fewer seeds than it has networks",
                                       counted(fewer_seeds, "compressed configuration"), fewer_seeds == 1 ? "is" : "are"));
    return warnings;
}

}  // namespace fairsweep
