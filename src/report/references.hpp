#pragma once
/// Finds the configurations that others are compared with: by keys, since a sweep may have ten thousand.
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/analysis.hpp"

namespace fairsweep {

/// Axes of reference arms, found by the axes that they stand for: the same value of every axis, or no part in it. Bits and
/// sparsity are what the arms differ in.
class StandIns {
public:
    using Recipes = std::vector<std::string>;  ///< those that must be equal

    void add(const AxisValues& reference, const Recipes& recipes, std::size_t number);
    /// Numbers of all that stand for these axes, ascending where they were added so.
    [[nodiscard]] std::vector<std::size_t> of(const AxisValues& treated, const Recipes& recipes) const;

private:
    using Parts = std::vector<bool>;  ///< [axes] whether the reference has part in it; few different ones
    std::map<Parts, std::map<std::pair<Recipes, AxisValues>, std::vector<std::size_t>>> references_;
};

/// Numbers of all shams among `shams` that are twins of a compressed configuration, ascending; of a sham, its own.
[[nodiscard]] std::vector<std::size_t> twins_among(const StandIns& shams, const AxisValues& of, const StandIns::Recipes& recipes);

/// Positions in a list of configurations; of several that fit, the first.
class References {
public:
    explicit References(const std::vector<AnalysedConfiguration>& all);

    [[nodiscard]] std::optional<std::size_t> same_as(const Configuration& wanted) const;
    /// The baseline that a configuration started from.
    [[nodiscard]] std::optional<std::size_t> dense_of(const Configuration& configuration) const;
    /// The same fine-tune with compression off; of a sham configuration, its own position.
    [[nodiscard]] std::optional<std::size_t> sham_twin(const Configuration& configuration) const;
    /// The same configuration calibrated on real data; nothing for dense ones, and for what is itself on real data.
    [[nodiscard]] std::optional<std::size_t> on_real_data(const Configuration& configuration) const;

private:
    std::map<Configuration, std::size_t> all_;
    StandIns dense_, shams_;
};

}  // namespace fairsweep
