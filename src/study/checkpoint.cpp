#include "study/checkpoint.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "compress/quantisation.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr const char* kClassesKey = "classes";
constexpr int kMostClasses = 256;

struct TypeWord {
    torch::ScalarType type;
    const char* word;
};
constexpr std::array<TypeWord, 10> kTypes{{{torch::kFloat, "F32"},
                                           {torch::kDouble, "F64"},
                                           {torch::kHalf, "F16"},
                                           {torch::kBFloat16, "BF16"},
                                           {torch::kLong, "I64"},
                                           {torch::kInt, "I32"},
                                           {torch::kShort, "I16"},
                                           {torch::kByte, "U8"},
                                           {torch::kChar, "I8"},
                                           {torch::kBool, "BOOL"}}};

constexpr const char* kQuantiserKey = "quantiser";

[[noreturn]] void refuse(const SafetensorsFile& file, const std::string& where, const std::string& found,
                         const std::string& expected) {
    throw_data({.attempted = "cannot read a checkpoint",
                .where = file.path().string() + ", " + where,
                .found = found,
                .expected = expected,
                .hint = "delete the file; the stage that wrote it runs again"});
}

/// A number of the metadata that is written as exact_number() writes it.
template <class T>
T number_of(const SafetensorsFile& file, const std::string& key) {
    const std::string& text = file.metadata(key);
    T value{};
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size()) refuse(file, key, text.substr(0, 40), "a number");
    return value;
}

}  // namespace

std::string dtype_word(torch::ScalarType type) {
    for (const TypeWord& known : kTypes)
        if (known.type == type) return known.word;
    FAIRSWEEP_CHECK(false, "write a tensor of a type that the format cannot hold");
}

torch::Tensor read_tensor(const SafetensorsFile& file, const TensorEntry& entry) {
    for (const TypeWord& known : kTypes) {
        if (known.word != entry.dtype) continue;
        const std::vector<std::int64_t> shape(entry.shape.begin(), entry.shape.end());
        torch::Tensor tensor = torch::empty(shape, known.type);
        const std::span<const std::byte> bytes = file.bytes(entry);
        if (!bytes.empty()) std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
        return tensor;
    }
    refuse(file, "tensor " + entry.name, "dtype " + entry.dtype, "a type that torch has here");
}

SafetensorsWriter::Written write_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                                         std::map<std::string, std::string> metadata) {
    SafetensorsPlan plan{.tensors = {}, .metadata = std::move(metadata)};
    for (const auto& [name, tensor] : tensors) {
        TensorEntry entry{.name = name, .dtype = dtype_word(tensor.scalar_type()), .shape = {}};
        for (const std::int64_t side : tensor.sizes()) entry.shape.push_back(static_cast<std::uint64_t>(side));
        plan.tensors.push_back(std::move(entry));
    }
    SafetensorsWriter writer(path, std::move(plan));
    for (const auto& [name, tensor] : tensors) {
        const torch::Tensor rows = tensor.detach().contiguous().cpu();
        writer.append({static_cast<const std::byte*>(rows.const_data_ptr()), rows.nbytes()});
    }
    return writer.finish();
}

SafetensorsWriter::Written write_checkpoint(const std::filesystem::path& path, const Network& network,
                                            const NetworkDescription& description, std::map<std::string, std::string> metadata) {
    metadata["architecture"] = description.architecture;
    metadata["bits_weight"] = std::to_string(description.bits.weight);
    metadata["bits_activation"] = std::to_string(description.bits.activation);
    metadata["sparsity"] = exact_number(description.sparsity);
    // Absent: preset "quantface", as in checkpoints of the first version.
    if (description.quantiser.preset != Preset::quantface) metadata[kQuantiserKey] = text_of(description.quantiser);
    if (network.classes() > 0) metadata[kClassesKey] = std::to_string(network.classes());
    return write_tensors(path, state_of(network), std::move(metadata));
}

NetworkDescription description_of(const SafetensorsFile& file) {
    NetworkDescription description;
    description.architecture = file.metadata("architecture");
    description.bits = {number_of<int>(file, "bits_weight"), number_of<int>(file, "bits_activation")};
    description.sparsity = number_of<double>(file, "sparsity");
    if (file.has_metadata(kQuantiserKey)) description.quantiser = parse_settings(file.metadata(kQuantiserKey));
    if (file.has_metadata(kClassesKey)) description.classes = number_of<int>(file, kClassesKey);
    if (description.classes < 0 || description.classes > kMostClasses)
        refuse(file, kClassesKey, std::to_string(description.classes), "1 to " + std::to_string(kMostClasses));
    return description;
}

std::shared_ptr<Network> read_network(const SafetensorsFile& file) {
    const NetworkDescription description = description_of(file);
    try {
        std::shared_ptr<Network> network = build_network(description.architecture);
        if (description.classes > 0) network->add_classifier(description.classes);
        // Gives the network the places that the state has: masks and ranges. Their content comes from the file.
        for (const auto& [name, layer] : weighted_layers(*network))
            if (file.tensors().contains(name + ".weight_pruned"))
                layer->set_pruned(torch::zeros(layer->weight.sizes(), torch::kBool));
        set_quantisers(*network, description.bits, description.quantiser);
        NamedTensors state;
        for (const auto& [name, tensor] : state_of(*network)) {
            const auto found = file.tensors().find(name);
            if (found == file.tensors().end())
                refuse(file, "tensor " + name, "no such tensor", "every tensor of " + description.architecture);
            if (found->second.dtype != dtype_word(tensor.scalar_type()))
                refuse(file, "tensor " + name, "dtype " + found->second.dtype, dtype_word(tensor.scalar_type()));
            state.emplace_back(name, read_tensor(file, found->second));
        }
        if (state.size() != file.tensors().size())
            refuse(file, "tensors", std::to_string(file.tensors().size()), std::to_string(state.size()));
        load_state(*network, state);
        set_observing(*network, false);
        network->eval();
        return network;
    } catch (const Error& error) {
        if (error.parts().where.find(file.path().string()) != std::string::npos) throw;
        refuse(file, description.architecture.substr(0, 80), error.what(), "a checkpoint of that network");
    }
}

}  // namespace fairsweep
