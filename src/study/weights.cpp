#include "study/weights.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "data/file_kind.hpp"
#include "data/torch_checkpoint.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "model/state_fit.hpp"
#include "study/checkpoint.hpp"
#include "study/foreign_state.hpp"
#include "study/safetensors.hpp"

namespace fairsweep {
namespace {

/// 8 bytes of header length that the file can hold, then the header's first character.
bool looks_like_safetensors(const std::filesystem::path& path) {
    const File file = File::open_for_reading(path);
    std::array<std::byte, 9> start{};
    if (file.read_at(0, start) < start.size() || start[8] != std::byte{'{'}) return false;
    std::uint64_t length = 0;
    for (std::size_t i = 8; i-- > 0;) length = length << 8 | std::to_integer<std::uint64_t>(start[i]);
    return length <= file.size_bytes() - 8;
}

torch::Tensor tensor_of(const TorchValues& values, const std::vector<std::uint64_t>& sides) {
    const std::vector<std::int64_t> shape(sides.begin(), sides.end());
    return std::visit(
        [&](const auto& data) {
            using Value = typename std::decay_t<decltype(data)>::value_type;
            torch::Tensor out = torch::empty(shape, torch::CppTypeToScalarType<Value>::value);
            if (!data.empty()) std::memcpy(out.data_ptr(), data.data(), data.size() * sizeof(Value));
            return out;
        },
        values);
}

/// A file of somebody else: what it holds, and how its tensors are read.
struct ForeignFile {
    std::vector<ForeignState> states;
    std::function<torch::Tensor(std::size_t state, std::size_t tensor)> read;
    std::string kind;
};

NamedTensors read_match(const ForeignFile& file, const StateMatch& match) {
    const std::set<std::string> left_out(match.left_out.begin(), match.left_out.end());
    NamedTensors tensors;
    const NamedShapes& shapes = file.states[match.state].tensors;
    for (std::size_t i = 0; i < shapes.size(); ++i)
        if (!left_out.contains(shapes[i].first))
            tensors.emplace_back(shapes[i].first.substr(match.prefix.size()), file.read(match.state, i));
    return tensors;
}

bool same_values(NamedTensors a, NamedTensors b) {
    const auto by_name = [](const auto& one, const auto& other) { return one.first < other.first; };
    std::sort(a.begin(), a.end(), by_name);
    std::sort(b.begin(), b.end(), by_name);
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
        return one.first == other.first && torch::equal(one.second.to(torch::kDouble), other.second.to(torch::kDouble));
    });
}

LoadedWeights load_foreign(const ForeignFile& file, const std::string& architecture, const std::string& where) {
    if (architecture.empty()) refuse_unnamed(file.states, where);
    const NamedShapes own = shapes_of_architecture(architecture);
    const std::vector<StateMatch> matches = find_network(file.states, own);
    if (matches.empty()) refuse_unfit(file.states, architecture, own, where);
    const NamedTensors tensors = read_match(file, matches.front());
    for (std::size_t i = 1; i < matches.size(); ++i)
        if (!same_values(tensors, read_match(file, matches[i]))) refuse_ambiguous(file.states, matches, architecture, where);
    LoadedWeights loaded;
    loaded.network = fit_state(architecture, tensors, where);
    loaded.architecture = architecture;
    loaded.kind = file.kind;
    loaded.left_out = left_out_text(file.states, matches.front());
    return loaded;
}

LoadedWeights load_torch(const std::string& architecture, const std::filesystem::path& path) {
    TorchCheckpoint checkpoint(path);
    ForeignFile file;
    for (const TorchState& state : checkpoint.states()) {
        ForeignState foreign{.nested_under = state.nested_under, .tensors = {}};
        for (const TorchTensor& tensor : state.tensors)
            foreign.tensors.emplace_back(tensor.name, Shape(tensor.shape.begin(), tensor.shape.end()));
        file.states.push_back(std::move(foreign));
    }
    file.read = [&checkpoint](std::size_t state, std::size_t tensor) {
        return tensor_of(checkpoint.values(state, tensor), checkpoint.states()[state].tensors[tensor].shape);
    };
    file.kind = "torch " + checkpoint.format();
    return load_foreign(file, architecture, path.string());
}

LoadedWeights load_safetensors(const std::string& architecture, const std::filesystem::path& path) {
    const SafetensorsFile file(path);
    if (file.has_metadata("architecture") && file.has_metadata("bits_weight")) {
        const NetworkDescription description = description_of(file);
        if (!architecture.empty() && description.architecture != architecture)
            throw_usage({.attempted = "cannot use a checkpoint",
                         .where = path.string(),
                         .found = "a network of architecture " + description.architecture.substr(0, 80),
                         .expected = architecture,
                         .hint = "give --architecture " + description.architecture.substr(0, 80)});
        LoadedWeights loaded;
        loaded.network = read_network(file);
        loaded.architecture = description.architecture;
        loaded.bits = description.bits;
        loaded.kind = "fairsweep checkpoint";
        if (loaded.network->classes() > 0) loaded.left_out = "classifier (what stands before it is embedded)";
        return loaded;
    }
    ForeignFile foreign;
    foreign.states.emplace_back();
    for (const auto& [name, entry] : file.tensors())
        foreign.states[0].tensors.emplace_back(name, Shape(entry.shape.begin(), entry.shape.end()));
    foreign.read = [&](std::size_t, std::size_t tensor) {
        return read_tensor(file, file.tensors().at(foreign.states[0].tensors[tensor].first));
    };
    foreign.kind = "safetensors";
    return load_foreign(foreign, architecture, path.string());
}

[[noreturn]] void refuse_kind(const std::filesystem::path& path) {
    const File file = File::open_for_reading(path);
    std::vector<std::byte> start(kFileKindBytes);
    start.resize(file.read_at(0, start));
    const FileKind kind = kind_of_file(start);
    throw_data({.attempted = "cannot read weights",
                .where = path.string(),
                .found = kind.name.empty() ? "a file of another kind" : kind.name,
                .expected = "a torch checkpoint (.pth with a state_dict), .safetensors or a checkpoint of fairsweep",
                .hint = kind.hint});
}

}  // namespace

LoadedWeights load_weights(const std::string& architecture, const std::filesystem::path& path) {
    // A wrong name is reported before a large file is read.
    if (!architecture.empty()) static_cast<void>(parse_architecture(architecture));
    LoadedWeights loaded;
    if (looks_like_safetensors(path)) {
        loaded = load_safetensors(architecture, path);
    } else if (looks_like_torch_checkpoint(path)) {
        loaded = load_torch(architecture, path);
    } else {
        refuse_kind(path);
    }
    loaded.digest = sha256_of_file(path);
    return loaded;
}

}  // namespace fairsweep
