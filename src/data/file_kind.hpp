#pragma once
/// What a file is that is not the one that was wanted, by its first bytes: for messages.
#include <cstddef>
#include <span>
#include <string>

namespace fairsweep {

/// How many bytes of a file's start kind_of_file() likes to see.
inline constexpr std::size_t kFileKindBytes = 512;

struct FileKind {
    std::string name;  ///< "a Git LFS pointer", "a web page", "an ONNX model"; empty when it is not known
    std::string hint;  ///< what to do; may be empty
};
[[nodiscard]] FileKind kind_of_file(std::span<const std::byte> start);

}  // namespace fairsweep
