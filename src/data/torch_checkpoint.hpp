#pragma once
/// Weights that Python's torch.save wrote, as plain values; no torch here. Both formats:
///   zip (torch 1.6 and later): <name>/data.pkl, <name>/data/<key> per storage, stored without compression
///   legacy (before): pickles of a magic number, protocol, system, the object, storage keys; then per storage its number of
///                    elements (8 bytes) and its bytes
/// torch/serialization.py. Little-endian files only. Read by data/pickle.hpp: no code can run.
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace fairsweep {

/// Limits of the reader; a file beyond them is refused before memory is taken.
inline constexpr std::uint64_t kMaxCheckpointBytes = 8ULL << 30;
inline constexpr std::uint64_t kMaxCheckpointTensors = 100'000;
inline constexpr std::size_t kMaxTensorDimensions = 8;
/// Values may need more memory than the file has bytes (half becomes float, storages are shared), but at most so many times.
inline constexpr std::uint64_t kMaxCheckpointGrowth = 16;

/// Row-major values. Half and bfloat16 become float, all integers and booleans int64: each exactly.
struct CheckpointTensor {
    std::string name;
    std::string dtype;                 ///< as stored, in the words of safetensors: "F16"
    std::vector<std::uint64_t> shape;  ///< empty: one value
    std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>> data;
};

struct TorchCheckpoint {
    std::string format;                     ///< "zip" or "legacy"
    std::vector<std::string> nested_under;  ///< keys that led to the state_dict: {"state_dict"}; usually none
    bool had_module_prefix = false;         ///< every name began with "module." (DataParallel); it was taken off
    std::vector<CheckpointTensor> tensors;  ///< in the file's order, different names
};

/// True for bytes that may be either format: the start of a zip archive or of a pickle. At least 4 bytes are looked at.
[[nodiscard]] bool looks_like_torch_checkpoint(const std::filesystem::path& path);

/// Reads a state_dict, alone or under "state_dict", "model_state_dict", "model", "network", "net" or "backbone" of a
/// dictionary. Throws a data error naming file, place, what was found and what to do: damage, whole modules, other objects,
/// TorchScript, compressed entries, big-endian files, tensors that leave their storage, names that stand twice.
[[nodiscard]] TorchCheckpoint read_torch_checkpoint(const std::filesystem::path& path);

}  // namespace fairsweep
