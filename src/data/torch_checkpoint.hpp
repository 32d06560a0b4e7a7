#pragma once
/// Weights that Python's torch.save wrote, as plain values; no torch here. Both formats:
///   zip (torch 1.6 and later): <name>/data.pkl, <name>/data/<key> per storage, stored without compression
///   legacy (before): pickles of a magic number, protocol, system, the object, storage keys; then per storage its number of
///                    elements (8 bytes) and its bytes
/// torch/serialization.py. Little-endian files only. Read by data/pickle.hpp: no code can run.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace fairsweep {

/// Limits of the reader; a file beyond them is refused before memory is taken.
inline constexpr std::uint64_t kMaxCheckpointBytes = 8ULL << 30;
inline constexpr std::uint64_t kMaxCheckpointTensors = 100'000;
inline constexpr std::size_t kMaxTensorDimensions = 8;
/// Values may need more memory than the file has bytes (half becomes float, storages are shared), but at most this many times as much.
inline constexpr std::uint64_t kMaxCheckpointGrowth = 16;

/// How deep dictionaries and lists are looked into for tensors.
inline constexpr int kMaxCheckpointNesting = 8;

/// A tensor as the file describes it. Its values are not read yet.
struct TorchTensor {
    std::string name;
    std::string dtype;                 ///< in the words of safetensors: "F16"
    std::vector<std::uint64_t> shape;  ///< empty: one value
};

/// A dictionary of the file that holds tensors: a state_dict, an optimiser's buffers, one number beside them.
struct TorchState {
    std::vector<std::string> nested_under;  ///< keys that lead to it: {"state_dict"}; empty for the file's own dictionary
    std::vector<TorchTensor> tensors;       ///< in the file's order, different names
};

/// Row-major values. Half and bfloat16 become float, all integers and booleans int64: each exactly.
using TorchValues = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>>;

/// A file that torch.save wrote, opened. Not thread-safe.
class TorchCheckpoint {
public:
    /// Throws a data error naming file, place, what was found and what to do: damage, whole modules, other objects,
    /// TorchScript, compressed entries, big-endian files, sparse or quantised tensors, names that stand twice, no tensor.
    explicit TorchCheckpoint(const std::filesystem::path& path);
    ~TorchCheckpoint();
    TorchCheckpoint(const TorchCheckpoint&) = delete;
    TorchCheckpoint& operator=(const TorchCheckpoint&) = delete;

    [[nodiscard]] const std::string& format() const;              ///< "zip" or "legacy"
    [[nodiscard]] const std::vector<TorchState>& states() const;  ///< at least one, in the file's order
    /// The values of a tensor by its place in states(). Throws a data error when it leaves its storage.
    [[nodiscard]] TorchValues values(std::size_t state, std::size_t tensor);

private:
    class Reader;
    std::unique_ptr<Reader> reader_;
};

/// True for bytes that may be either format: the start of a zip archive or of a pickle. At least 4 bytes are looked at.
[[nodiscard]] bool looks_like_torch_checkpoint(const std::filesystem::path& path);

}  // namespace fairsweep
