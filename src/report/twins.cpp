#include "report/twins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/names.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kNamesShown = 4;

/// Whether the axes of a sham are those of the twin of a compressed configuration.
bool are_of_twin(const AxisValues& sham, AxisValues compressed) {
    if (stands_for(sham, compressed)) return true;  // older plans gave a chain a sham under the chain's name
    compressed[Axis::distillation] = loss_of(compressed.distillation());
    return stands_for(sham, compressed);
}

std::size_t shared_seeds(const AnalysedConfiguration& a, const AnalysedConfiguration& b) {
    return static_cast<std::size_t>(std::count_if(a.seeds.begin(), a.seeds.end(), [&b](std::uint64_t seed) {
        return std::find(b.seeds.begin(), b.seeds.end(), seed) != b.seeds.end();
    }));
}

/// "2 failed, 1 waiting" of the points that `are_meant`; empty when there are none.
template <class Meant>
std::string states_of(const AnalysisInput& input, const Meant& are_meant) {
    std::map<std::string, std::size_t> count;
    for (const AnalysisPoint& point : input.points)
        if (are_meant(configuration_of(point))) ++count[name_of(point.state)];
    std::string text;
    for (const auto& [state, points] : count) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", points, state);
    return text;
}

bool is_sham_of(const Configuration& sham, const Configuration& compressed) {
    return sham.arm == Arm::sham && are_of_twin(sham.axes, compressed.axes) &&
           sham.baseline_recipe == compressed.baseline_recipe && sham.finetune_recipe == compressed.finetune_recipe;
}

/// Why a compressed configuration cannot be compared with a twin.
std::string reason_of(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& all,
                      const Configuration& compressed) {
    if (sham_twin(all, compressed)) return "the sham has no seed in common with it";
    const std::string states = states_of(input, [&](const Configuration& c) { return is_sham_of(c, compressed); });
    if (!states.empty()) return "points of the sham: " + states;
    const auto is_sham = [](const AnalysisPoint& point) { return point.point.arm == Arm::sham; };
    if (std::none_of(input.points.begin(), input.points.end(), is_sham)) return "the sweep has no sham arm";
    const bool other_recipe = std::any_of(input.points.begin(), input.points.end(), [&](const AnalysisPoint& point) {
        return is_sham(point) && are_of_twin(point.point.axes, compressed.axes);
    });
    return other_recipe ? "the sham was trained by another recipe"
                        : "no sham point of it was planned: left out by a rule, perhaps";
}

}  // namespace

bool stands_for(const AxisValues& reference, const AxisValues& treated) {
    for (std::size_t axis = 0; axis < treated.size(); ++axis) {
        if (axis == index_of(Axis::bits) || axis == index_of(Axis::sparsity)) continue;
        if (!std::holds_alternative<std::monostate>(reference[axis]) && reference[axis] != treated[axis]) return false;
    }
    return true;
}

std::optional<std::size_t> sham_twin(const std::vector<AnalysedConfiguration>& all, const Configuration& of) {
    const auto twin =
        std::find_if(all.begin(), all.end(), [&of](const AnalysedConfiguration& c) { return is_sham_of(c.configuration, of); });
    return twin == all.end() ? std::nullopt : std::optional<std::size_t>(twin - all.begin());
}

std::vector<std::string> twin_warnings(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& all) {
    const ConfigurationNames names(all, input.axes);
    std::map<std::string, std::vector<std::string>> alone;  // by reason
    std::size_t count = 0, fewer_seeds = 0;
    for (const AnalysedConfiguration& item : all) {
        if (item.configuration.arm != Arm::compressed) continue;
        const auto twin = sham_twin(all, item.configuration);
        const std::size_t shared = twin ? shared_seeds(item, all[*twin]) : 0;
        fewer_seeds += shared > 0 && shared < item.seeds.size() ? 1 : 0;
        if (shared > 0) continue;
        ++count;
        alone[reason_of(input, all, item.configuration)].push_back(names(item.configuration));
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
