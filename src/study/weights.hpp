#pragma once
/// Weights from a file, whoever wrote it: torch's .pth (zip or legacy), .safetensors, or our own checkpoint. The kind is
/// found by content, never by the name.
#include <filesystem>
#include <memory>
#include <string>

#include "fairsweep/hash.hpp"
#include "fairsweep/sweep.hpp"
#include "model/network.hpp"

namespace fairsweep {

struct LoadedWeights {
    std::shared_ptr<Network> network;  ///< eval mode, ranges frozen
    std::string architecture;
    Bits bits;             ///< 32 for foreign files, which carry no ranges
    std::string kind;      ///< "torch zip", "torch legacy", "safetensors" or "fairsweep checkpoint"
    Digest digest;         ///< SHA-256 of the file
    std::string left_out;  ///< tensors of a foreign file that are not the network's: "head.kernel"; empty: none
};

/// `architecture` may be empty for our own checkpoint, which says it. A foreign file's tensors may lie under keys and have a
/// common prefix (study/foreign_state.hpp). Throws a data error when the file cannot be read, is of none of these kinds, does
/// not fit the architecture, or fits it in several ways with different values; a usage error for a foreign file without an
/// architecture, for an unknown one, or another one than a checkpoint names.
[[nodiscard]] LoadedWeights load_weights(const std::string& architecture, const std::filesystem::path& path);

}  // namespace fairsweep
