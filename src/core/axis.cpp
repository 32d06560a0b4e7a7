#include "fairsweep/axis.hpp"

#include <algorithm>
#include <limits>

#include "fairsweep/sweep.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

const std::string kNone = "none";

struct Text {
    std::string operator()(std::monostate) const { return kNone; }
    std::string operator()(const std::string& word) const { return word; }
    std::string operator()(double number) const { return exact_number(number); }
    std::string operator()(const Bits& bits) const { return bits.text(); }
};

AxisKind kind_of(Axis axis) {
    if (axis == Axis::bits) return AxisKind::bits;
    return axis == Axis::sparsity ? AxisKind::number : AxisKind::word;
}

}  // namespace

std::string Bits::text() const {
    if (weight == activation) return std::to_string(weight);
    return "w" + std::to_string(weight) + "a" + std::to_string(activation);
}

std::string text_of(const AxisValue& value) { return std::visit(Text{}, value); }

double number_or_nan(const AxisValue& value) {
    const auto* number = std::get_if<double>(&value);
    return number == nullptr ? std::numeric_limits<double>::quiet_NaN() : *number;
}

std::vector<AxisInfo> common_axes() {
    std::vector<AxisInfo> axes;
    for (const Axis axis : all_of<Axis>()) axes.push_back({name_of(axis), kind_of(axis), 0});
    return axes;
}

std::vector<std::size_t> unite_axes(std::vector<AxisInfo>& axes, const std::vector<AxisInfo>& more) {
    std::vector<std::size_t> places;
    for (const AxisInfo& axis : more) {
        const auto same = std::find_if(axes.begin(), axes.end(), [&axis](const AxisInfo& a) { return a.name == axis.name; });
        places.push_back(static_cast<std::size_t>(same - axes.begin()));
        if (same == axes.end()) {
            axes.push_back(axis);
        } else {
            same->values = std::max(same->values, axis.values);
        }
    }
    return places;
}

AxisValues AxisValues::placed_at(const std::vector<std::size_t>& places, std::size_t axes) const {
    AxisValues moved(axes);
    for (std::size_t axis = 0; axis < places.size(); ++axis) moved[places[axis]] = values_.at(axis);
    return moved;
}

AxisValues::AxisValues(std::size_t axes) : values_(axes) {
    (*this)[Axis::bits] = Bits{};
    (*this)[Axis::sparsity] = 0.0;
}

const std::string& AxisValues::word(Axis axis) const {
    const auto* text = std::get_if<SharedText>(&(*this)[axis]);
    return text == nullptr ? kNone : text->text();
}

AxisBlock default_axis_block() {
    AxisBlock block;
    block.values.resize(count_of<Axis>);
    block.values[index_of(Axis::calibration)] = {"real"};
    block.values[index_of(Axis::sparsity)] = {0.0};
    block.values[index_of(Axis::pruning)] = {"recipe"};
    block.values[index_of(Axis::distillation)] = {"embedding"};
    return block;
}

}  // namespace fairsweep
