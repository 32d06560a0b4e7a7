#include "model/state_fit.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kShown = 4;        // names of each kind in a message
constexpr std::int64_t kFullWidth = 64;  // channels of the first convolution of a full network

std::string text_of(const Shape& shape) {
    std::string text = "[";
    for (const auto side : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(side);
    return text + "]";
}

void append_names(std::string& text, const std::vector<std::string>& names, const char* what) {
    if (names.empty()) return;
    text += (text.empty() ? "" : "; ") + std::to_string(names.size()) + " " + what + " (";
    for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) text += (i == 0 ? "" : ", ") + names[i].substr(0, 120);
    text += names.size() > kShown ? ", ...)" : ")";
}

const Shape* find(const NamedShapes& tensors, const std::string& name) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& tensor) { return tensor.first == name; });
    return found == tensors.end() ? nullptr : &found->second;
}

/// Input sizes by how likely they are meant.
std::vector<int> input_sizes() {
    std::vector<int> sizes{112, 56};
    for (const int step : {8, 1})
        for (int size = 32; size <= 224; size += step) sizes.push_back(size);
    return sizes;
}

/// Names of reduced members of the tensors' width and head; at most one per depth.
std::vector<std::string> reduced_candidates(const NamedShapes& tensors) {
    const Shape* iresnet = find(tensors, "conv1.weight");
    const Shape* mobile = find(tensors, "conv1.conv.weight");
    const Shape* stem = iresnet != nullptr ? iresnet : mobile;
    const Shape* head = find(tensors, iresnet != nullptr ? "fc.weight" : "output_layer.conv_6_dw.conv.weight");
    if (stem == nullptr || head == nullptr || stem->size() != 4 || stem->front() > 512 || stem->front() < 16) return {};
    const std::int64_t width = stem->front();
    const auto fits = [&](int size) {
        std::int64_t side = size;
        for (int halving = 0; halving < (iresnet != nullptr ? 5 : 4); ++halving) side = (side + 1) / 2;
        return iresnet != nullptr ? head->size() == 2 && head->at(1) == 8 * width * side * side
                                  : head->size() == 4 && head->at(2) == side;
    };
    const std::vector<int> sizes = input_sizes();
    const auto size = std::find_if(sizes.begin(), sizes.end(), fits);
    if (size == sizes.end()) return {};
    const std::string suffix = "-w" + std::to_string(width) + (*size == 112 ? "" : "-" + std::to_string(*size));
    if (iresnet == nullptr) return {"mobilefacenet" + suffix};
    std::vector<std::string> names;
    for (const char* depth : {"10", "18", "34", "50", "100"}) names.push_back(std::string("iresnet") + depth + suffix);
    return names;
}

void refuse_non_finite(const NamedTensors& tensors, const std::string& where) {
    for (const auto& [name, tensor] : tensors)
        if (tensor.is_floating_point() && !torch::isfinite(tensor).all().item<bool>())
            throw NonFiniteWeights(ErrorKind::data, {.attempted = "cannot use these weights",
                                                     .where = where + ", tensor " + name.substr(0, 120),
                                                     .found = "NaN or infinity",
                                                     .expected = "finite values",
                                                     .hint = "the training that made them diverged"});
}

}  // namespace

std::string StateFit::text() const {
    std::string text;
    append_names(text, missing, "missing");
    append_names(text, unexpected, "unexpected");
    append_names(text, misshapen, "of another shape");
    return text;
}

bool is_counter(const std::string& name) { return name.ends_with("num_batches_tracked"); }

NamedShapes shapes_of(const NamedTensors& tensors) {
    NamedShapes shapes;
    for (const auto& [name, tensor] : tensors) shapes.emplace_back(name, tensor.sizes().vec());
    return shapes;
}

NamedShapes shapes_of_architecture(const std::string& architecture) { return shapes_of(state_of(*build_network(architecture))); }

StateFit compare_state(const NamedShapes& own, const NamedShapes& given) {
    StateFit fit;
    const std::map<std::string, Shape> by_name(given.begin(), given.end());
    std::set<std::string> own_names;
    for (const auto& [name, shape] : own) {
        own_names.insert(name);
        const auto found = by_name.find(name);
        if (found == by_name.end()) {
            if (!is_counter(name)) fit.missing.push_back(name);
        } else if (found->second != shape) {
            fit.misshapen.push_back(name + " " + text_of(found->second) + " instead of " + text_of(shape));
        }
    }
    for (const auto& [name, shape] : given)
        if (!own_names.contains(name)) fit.unexpected.push_back(name);
    return fit;
}

std::string fitting_architecture(const NamedShapes& tensors) {
    // Building a full network takes a second: only those whose first convolution is as wide.
    const auto is_full = [&](const char* stem) {
        const Shape* shape = find(tensors, stem);
        return shape != nullptr && !shape->empty() && shape->front() == kFullWidth;
    };
    std::vector<std::string> candidates;
    if (is_full("conv1.conv.weight")) candidates = {"mobilefacenet"};
    if (is_full("conv1.weight")) candidates = {"iresnet18", "iresnet34", "iresnet50", "iresnet100"};
    for (std::string& name : reduced_candidates(tensors)) candidates.push_back(std::move(name));
    for (const std::string& name : candidates)
        if (compare_state(shapes_of_architecture(name), tensors).fits()) return name;
    return {};
}

std::shared_ptr<Network> fit_state(const std::string& architecture, const NamedTensors& tensors, const std::string& where) {
    std::shared_ptr<Network> network = build_network(architecture);
    const NamedShapes own = shapes_of(state_of(*network));
    const StateFit fit = compare_state(own, shapes_of(tensors));
    if (!fit.fits())
        throw_data({.attempted = "these weights are not a state of " + architecture,
                    .where = where,
                    .found = std::to_string(tensors.size()) + " tensors: " + fit.text(),
                    .expected = "the " + std::to_string(own.size()) + " tensors of " + architecture});
    refuse_non_finite(tensors, where);
    NamedTensors state = tensors;
    const NamedShapes given = shapes_of(tensors);
    for (const auto& [name, tensor] : state_of(*network))
        if (is_counter(name) && find(given, name) == nullptr) state.emplace_back(name, tensor.clone());
    load_state(*network, state);
    network->eval();
    return network;
}

}  // namespace fairsweep
