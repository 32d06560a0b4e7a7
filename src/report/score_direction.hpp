#pragma once
/// Which way scores point: similarities give genuine pairs the higher ones, so that AUC is above one half.
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/items.hpp"
#include "report/score_report.hpp"

namespace fairsweep {

/// Names the groups whose AUC is below one half.
[[nodiscard]] std::optional<std::string> direction_warning(const std::vector<ScoreReport::Group>& groups);

/// What the ten-fold protocol gives for a group, beside a figure that needs no grid of thresholds and no folds.
struct ProtocolFigures {
    std::string name;
    double accuracy_percent = 0.0;
    double eer = 0.0;
};
/// Names the groups whose ten-fold accuracy lies far below 100 % - EER, and why that may be: the protocol does not fit the scores
/// or the order of the pairs.
[[nodiscard]] std::optional<std::string> protocol_warning(std::span<const ProtocolFigures> groups);

/// Throws a data error, with the command that would be right, when every group (that has pairs of both kinds) has an AUC below
/// one half: distances taken for similarities, or the other way round when `were_distances`.
void refuse_reversed_scores(const ItemTable& pairs, std::span<const double> scores, const std::filesystem::path& file,
                            bool were_distances);

}  // namespace fairsweep
