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
    Bits bits;                         ///< 32 for foreign files, which carry no ranges
    std::string kind;                  ///< "torch zip", "torch legacy", "safetensors" or "fairsweep checkpoint"
    Digest digest;                     ///< SHA-256 of the file
};

/// Throws a data error when the file cannot be read, is of none of these kinds, or does not fit the architecture
/// (model/state_fit.hpp says how); a usage error for an unknown architecture, or another one than a checkpoint names.
[[nodiscard]] LoadedWeights load_weights(const std::string& architecture, const std::filesystem::path& path);

}  // namespace fairsweep
