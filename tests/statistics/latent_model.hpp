#pragma once
/// Face pairs with known truth: right decisions come from a latent value with a share that belongs to the people in the
/// pair, so that pairs of one person depend on each other. The model of the coverage checks.
#include <cmath>
#include <cstdint>
#include <vector>

#include "fairsweep/items.hpp"
#include "fairsweep/random.hpp"
#include "statistics/quantiles.hpp"

namespace fairsweep {

struct LatentModel {
    std::uint32_t groups = 4;
    std::uint32_t identities = 60;  ///< per group
    std::uint32_t pairs = 600;      ///< per group, half of them genuine
    double identity_share = 0.3;    ///< of the latent variance
};

/// People are drawn anew for every pair table, as another test set would have them.
inline ItemTable latent_pairs(const LatentModel& model, std::uint64_t run) {
    RandomStream stream(run, 1, "pairs");
    ItemTable table;
    table.group_begin = {0};
    for (std::uint32_t g = 0; g < model.groups; ++g) {
        table.groups.push_back(std::string(1, static_cast<char>('A' + g)));
        for (std::uint32_t p = 0; p < model.pairs; ++p) {
            const bool genuine = p % 2 == 0;
            const auto first = static_cast<std::uint32_t>(stream.below(model.identities));
            auto second = first;
            while (!genuine && second == first) second = static_cast<std::uint32_t>(stream.below(model.identities));
            table.label.push_back(genuine ? 1 : 0);
            table.identity_a.push_back(g * model.identities + first);
            table.identity_b.push_back(g * model.identities + second);
        }
        table.group_begin.push_back((g + 1) * model.pairs);
    }
    return table;
}

/// Latent values [pairs], standard normal each. `agreement`: correlation of the pair's own part with that of the same run
/// under another `network`.
inline std::vector<double> latent_values(const LatentModel& model, const ItemTable& table, std::uint64_t run,
                                         std::uint64_t network, double agreement) {
    RandomStream people(run, 2, "people");
    RandomStream shared(run, 3, "shared");
    RandomStream own(run, 4, "own", network);
    std::vector<double> effect(std::size_t{model.groups} * model.identities);
    for (double& value : effect) value = people.normal();
    std::vector<double> values;
    for (std::uint32_t p = 0; p < table.size(); ++p) {
        const double person = table.label[p] != 0
                                  ? effect[table.identity_a[p]]
                                  : (effect[table.identity_a[p]] + effect[table.identity_b[p]]) / std::sqrt(2.0);
        const double rest = std::sqrt(agreement) * shared.normal() + std::sqrt(1.0 - agreement) * own.normal();
        values.push_back(std::sqrt(model.identity_share) * person + std::sqrt(1.0 - model.identity_share) * rest);
    }
    return values;
}

/// Right decisions with the given true accuracies (fractions) per group.
inline std::vector<std::uint8_t> latent_decisions(const ItemTable& table, const std::vector<double>& values,
                                                  const std::vector<double>& accuracy) {
    std::vector<std::uint8_t> correct;
    for (std::size_t g = 0; g < accuracy.size(); ++g) {
        const double limit = normal_quantile(accuracy[g]);
        for (std::uint32_t p = table.group_begin[g]; p < table.group_begin[g + 1]; ++p)
            correct.push_back(values[p] < limit ? 1 : 0);
    }
    return correct;
}

/// Scores around 0 whose sign tells the latent decision: genuine pairs above, impostor pairs below where they are right. A
/// group's FMR at threshold t is P(z >= limit + t / kScoreScale), its FNMR P(z > limit - t / kScoreScale), with
/// limit = normal_quantile(accuracy) and z standard normal.
inline constexpr double kScoreScale = 0.12;

inline std::vector<double> latent_scores(const ItemTable& table, const std::vector<double>& values,
                                         const std::vector<double>& accuracy) {
    std::vector<double> scores;
    for (std::size_t g = 0; g < accuracy.size(); ++g) {
        const double limit = normal_quantile(accuracy[g]);
        for (std::uint32_t p = table.group_begin[g]; p < table.group_begin[g + 1]; ++p) {
            const double margin = kScoreScale * (limit - values[p]);
            scores.push_back(table.label[p] != 0 ? margin : -margin);
        }
    }
    return scores;
}

}  // namespace fairsweep
