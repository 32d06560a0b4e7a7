#pragma once
/// A network with its compression as a file: safetensors layout, tensor names of the reference's state_dict, BatchNorm
/// buffers, quantiser ranges and masks included.
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "compress/quantiser_settings.hpp"
#include "fairsweep/sweep.hpp"
#include "model/network.hpp"
#include "study/safetensors.hpp"

namespace fairsweep {

/// What compression a network carries; decides how it is built before its state is loaded.
struct NetworkDescription {
    std::string architecture;
    Bits bits;
    double sparsity = 0.0;
    QuantiserSettings quantiser{};
    int classes = 0;  ///< of its classifier; 0: none. Written from the network itself
};

/// Writes the network's state. `metadata` is kept beside the description.
[[nodiscard]] SafetensorsWriter::Written write_checkpoint(const std::filesystem::path& path, const Network& network,
                                                          const NetworkDescription& description,
                                                          std::map<std::string, std::string> metadata);

/// Writes tensors, each as rows without gaps, in this order.
[[nodiscard]] SafetensorsWriter::Written write_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                                                       std::map<std::string, std::string> metadata);

/// The description in a checkpoint's metadata. Throws a data error when it cannot be read.
[[nodiscard]] NetworkDescription description_of(const SafetensorsFile& file);

/// The network of a checkpoint: in eval mode, ranges frozen. Throws a data error naming the file and the tensor that is
/// missing, unknown, misshapen or of another type.
[[nodiscard]] std::shared_ptr<Network> read_network(const SafetensorsFile& file);

/// A tensor of the file, copied.
[[nodiscard]] torch::Tensor read_tensor(const SafetensorsFile& file, const TensorEntry& entry);
/// Dtype word of a torch type; stops on types that the format cannot hold.
[[nodiscard]] std::string dtype_word(torch::ScalarType type);

}  // namespace fairsweep
