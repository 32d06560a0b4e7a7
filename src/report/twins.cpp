#include "report/twins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/names.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kNamesShown = 4;

Configuration sham_of(Configuration configuration) {
    configuration.arm = Arm::sham;
    configuration.bits = {};
    configuration.sparsity = 0.0;
    configuration.pruning = "none";
    configuration.compression_recipe = kNoRecipe;
    configuration.distillation = loss_of(configuration.distillation);
    return configuration;
}

std::optional<std::size_t> position_of(const std::vector<AnalysedConfiguration>& all, const Configuration& wanted) {
    const auto place =
        std::find_if(all.begin(), all.end(), [&wanted](const AnalysedConfiguration& c) { return c.configuration == wanted; });
    return place == all.end() ? std::nullopt : std::optional<std::size_t>(place - all.begin());
}

std::size_t shared_seeds(const AnalysedConfiguration& a, const AnalysedConfiguration& b) {
    return static_cast<std::size_t>(std::count_if(a.seeds.begin(), a.seeds.end(), [&b](std::uint64_t seed) {
        return std::find(b.seeds.begin(), b.seeds.end(), seed) != b.seeds.end();
    }));
}

Configuration without_recipes(Configuration configuration) {
    configuration.baseline_recipe = configuration.finetune_recipe = configuration.compression_recipe = kNoRecipe;
    return configuration;
}

/// "2 failed, 1 waiting" of the points of a configuration; empty when there are none.
std::string states_of(const AnalysisInput& input, const Configuration& configuration) {
    std::map<std::string, std::size_t> count;
    for (const AnalysisPoint& point : input.points)
        if (configuration_of(point) == configuration) ++count[name_of(point.state)];
    std::string text;
    for (const auto& [state, points] : count) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", points, state);
    return text;
}

/// Why a compressed configuration cannot be compared with a twin.
std::string reason_of(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& all,
                      const Configuration& compressed) {
    const Configuration sham = sham_of(compressed);
    if (sham_twin(all, compressed)) return "the sham has no seed in common with it";
    const std::string states = states_of(input, sham);
    if (!states.empty()) return "points of the sham: " + states;
    const auto is_sham = [](const AnalysisPoint& point) { return point.point.arm == Arm::sham; };
    if (std::none_of(input.points.begin(), input.points.end(), is_sham)) return "the sweep has no sham arm";
    const bool other_recipe = std::any_of(input.points.begin(), input.points.end(), [&](const AnalysisPoint& point) {
        return without_recipes(configuration_of(point)) == without_recipes(sham);
    });
    return other_recipe ? "the sham was trained by another recipe"
                        : "no sham point of it was planned: left out by a rule, perhaps";
}

}  // namespace

std::optional<std::size_t> sham_twin(const std::vector<AnalysedConfiguration>& all, const Configuration& of) {
    if (const auto twin = position_of(all, sham_of(of))) return twin;
    // Older plans gave a chain a sham of its own, under the chain's name.
    Configuration named_alike = sham_of(of);
    named_alike.distillation = of.distillation;
    return position_of(all, named_alike);
}

std::vector<std::string> twin_warnings(const AnalysisInput& input, const std::vector<AnalysedConfiguration>& all) {
    const ConfigurationNames names(all);
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
                                       count_of(count, "compressed configuration"), count == 1 ? "has" : "have", why));
    if (fewer_seeds > 0)
        warnings.push_back(fmt::format("{} {} compared with the sham twin over fewer seeds than it has networks",
                                       count_of(fewer_seeds, "compressed configuration"), fewer_seeds == 1 ? "is" : "are"));
    return warnings;
}

}  // namespace fairsweep
