#pragma once
/// The axes of a sweep as data: what lists axes (plans, stores, tables, pages) loops over them, and only code that means one
/// certain axis names it.
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fairsweep/enumeration.hpp"
#include "fairsweep/shared_text.hpp"

namespace fairsweep {

/// Weight and activation bit widths; 32 means "float, not quantised". Job files write `8` (both) or `w4a8`.
struct Bits {
    int weight = 32;
    int activation = 32;
    auto operator<=>(const Bits&) const = default;
    [[nodiscard]] bool is_float() const noexcept { return weight == 32 && activation == 32; }
    [[nodiscard]] std::string text() const;  ///< "8" or "w4a8"
};

/// The axes that every sweep has, in the order in which points, tables and files list them. A sweep's further axes are keys
/// of the recipe; they follow these as "recipe.KEY".
enum class Axis : std::uint8_t { architecture, training_set, bits, calibration, sparsity, pruning, distillation };
template <>
struct Words<Axis> {
    static constexpr std::array kWords{"architecture", "training_set", "bits",        "calibration",
                                       "sparsity",     "pruning",      "distillation"};
};

enum class AxisKind : std::uint8_t { word, number, bits };
template <>
struct Words<AxisKind> {
    static constexpr std::array kWords{"word", "number", "bits"};
};

/// Nothing: the axis has no part in the point. A dense network has no calibration, an unpruned one no way of pruning.
using AxisValue = std::variant<std::monostate, SharedText, double, Bits>;
/// As job files and tables say it: "w4a8", "0.7"; "none" for nothing.
[[nodiscard]] std::string text_of(const AxisValue& value);
/// The number; NaN for nothing.
[[nodiscard]] double number_or_nan(const AxisValue& value);

struct AxisInfo {
    std::string name;
    AxisKind kind{};
    std::uint64_t values = 0;  ///< how many different ones the sweep has
    bool operator==(const AxisInfo&) const = default;
};
/// The axes of every sweep, without counts.
[[nodiscard]] std::vector<AxisInfo> common_axes();

/// Adds the axes that are not there yet. Returns where each of `more` stands now.
[[nodiscard]] std::vector<std::size_t> unite_axes(std::vector<AxisInfo>& axes, const std::vector<AxisInfo>& more);

/// One value per axis of a sweep. A new one is that of a dense point: 32 bits, sparsity 0, nothing else.
class AxisValues {
public:
    explicit AxisValues(std::size_t axes = count_of<Axis>);

    /// The values at other places of a longer list of axes (unite_axes); nothing at the rest.
    [[nodiscard]] AxisValues placed_at(const std::vector<std::size_t>& places, std::size_t axes) const;

    [[nodiscard]] std::size_t size() const { return values_.size(); }
    [[nodiscard]] AxisValue& operator[](std::size_t axis) { return values_.at(axis); }
    [[nodiscard]] const AxisValue& operator[](std::size_t axis) const { return values_.at(axis); }
    [[nodiscard]] AxisValue& operator[](Axis axis) { return values_.at(index_of(axis)); }
    [[nodiscard]] const AxisValue& operator[](Axis axis) const { return values_.at(index_of(axis)); }

    [[nodiscard]] const std::string& architecture() const { return word(Axis::architecture); }
    [[nodiscard]] const std::string& training_set() const { return word(Axis::training_set); }
    [[nodiscard]] const std::string& calibration() const { return word(Axis::calibration); }
    [[nodiscard]] const std::string& pruning() const { return word(Axis::pruning); }
    [[nodiscard]] const std::string& distillation() const { return word(Axis::distillation); }
    [[nodiscard]] Bits bits() const { return std::get<Bits>((*this)[Axis::bits]); }
    [[nodiscard]] double sparsity() const { return std::get<double>((*this)[Axis::sparsity]); }

    auto operator<=>(const AxisValues&) const = default;

private:
    [[nodiscard]] const std::string& word(Axis axis) const;  ///< "none" for nothing

    std::vector<AxisValue> values_;
};

}  // namespace fairsweep
