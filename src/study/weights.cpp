#include "study/weights.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "data/torch_checkpoint.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "model/state_fit.hpp"
#include "study/checkpoint.hpp"
#include "study/safetensors.hpp"

namespace fairsweep {
namespace {

constexpr std::string_view kModulePrefix = "module.";

/// 8 bytes of header length that the file can hold, then the header's first character.
bool looks_like_safetensors(const std::filesystem::path& path) {
    const File file = File::open_for_reading(path);
    std::array<std::byte, 9> start{};
    if (file.read_at(0, start) < start.size() || start[8] != std::byte{'{'}) return false;
    std::uint64_t length = 0;
    for (std::size_t i = 8; i-- > 0;) length = length << 8 | std::to_integer<std::uint64_t>(start[i]);
    return length <= file.size_bytes() - 8;
}

torch::Tensor tensor_of(const CheckpointTensor& tensor) {
    const std::vector<std::int64_t> shape(tensor.shape.begin(), tensor.shape.end());
    return std::visit(
        [&](const auto& data) {
            using Value = typename std::decay_t<decltype(data)>::value_type;
            torch::Tensor out = torch::empty(shape, torch::CppTypeToScalarType<Value>::value);
            if (!data.empty()) std::memcpy(out.data_ptr(), data.data(), data.size() * sizeof(Value));
            return out;
        },
        tensor.data);
}

NamedTensors without_module_prefix(NamedTensors tensors) {
    const bool all =
        std::all_of(tensors.begin(), tensors.end(), [](const auto& t) { return t.first.starts_with(kModulePrefix); });
    if (!all) return tensors;
    for (auto& [name, tensor] : tensors) name.erase(0, kModulePrefix.size());
    return tensors;
}

LoadedWeights load_torch(const std::string& architecture, const std::filesystem::path& path) {
    TorchCheckpoint checkpoint = read_torch_checkpoint(path);
    NamedTensors tensors;
    for (CheckpointTensor& tensor : checkpoint.tensors) {
        tensors.emplace_back(tensor.name, tensor_of(tensor));
        tensor.data = {};  // the values are in the tensor now
    }
    return {fit_state(architecture, tensors, path.string()), {}, "torch " + checkpoint.format, {}};
}

LoadedWeights load_safetensors(const std::string& architecture, const std::filesystem::path& path) {
    const SafetensorsFile file(path);
    if (file.has_metadata("architecture") && file.has_metadata("bits_weight")) {
        const NetworkDescription description = description_of(file);
        if (description.architecture != architecture)
            throw_usage({.attempted = "cannot use a checkpoint",
                         .where = path.string(),
                         .found = "a network of architecture " + description.architecture.substr(0, 80),
                         .expected = architecture,
                         .hint = "give --architecture " + description.architecture.substr(0, 80)});
        return {read_network(file), description.bits, "fairsweep checkpoint", {}};
    }
    NamedTensors tensors;
    for (const auto& [name, entry] : file.tensors()) tensors.emplace_back(name, read_tensor(file, entry));
    return {fit_state(architecture, without_module_prefix(std::move(tensors)), path.string()), {}, "safetensors", {}};
}

}  // namespace

LoadedWeights load_weights(const std::string& architecture, const std::filesystem::path& path) {
    static_cast<void>(parse_architecture(architecture));  // a wrong name is told before a large file is read
    LoadedWeights loaded;
    if (looks_like_safetensors(path)) {
        loaded = load_safetensors(architecture, path);
    } else if (looks_like_torch_checkpoint(path)) {
        loaded = load_torch(architecture, path);
    } else {
        throw_data({.attempted = "cannot read weights",
                    .where = path.string(),
                    .found = "a file of another kind",
                    .expected = "a torch checkpoint (.pth with a state_dict), .safetensors or a checkpoint of fairsweep",
                    .hint = {}});
    }
    loaded.digest = sha256_of_file(path);
    return loaded;
}

}  // namespace fairsweep
