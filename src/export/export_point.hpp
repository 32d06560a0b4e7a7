#pragma once
/// A point of a sweep as a file for other programs.
#include <cstdint>
#include <filesystem>
#include <string>

#include "export/metadata.hpp"
#include "study/safetensors.hpp"

namespace fairsweep {

enum class ExportFormat {
    safetensors,  ///< float32 master weights under the reference's names, ranges and masks beside them
    packed,       ///< safetensors layout, codes at their bits (export/packed_file.hpp)
    onnx,
};

struct ExportSummary {
    std::uint64_t file_bytes = 0;
    std::uint64_t packed_bytes = 0;         ///< true size of the compressed network (export/packed_size.hpp)
    std::uint64_t packed_sparse_bytes = 0;  ///< with only the kept weights of pruned layers
    std::uint64_t float32_bytes = 0;        ///< the same network without compression
};

/// Reads the checkpoint and writes it in the format, beside and renamed. `provenance` is added to what the numbers say about
/// themselves. Throws data errors for the checkpoint, a usage error for a quantiser that the format cannot hold, and
/// infrastructure errors for the target. `shrinks`: channels that are masked whole are cut out (export/shrink.hpp); a usage error
/// where there are none, and for ExportFormat::safetensors, whose shapes are the architecture's.
[[nodiscard]] ExportSummary export_checkpoint(const SafetensorsFile& checkpoint, ExportFormat format,
                                              const std::filesystem::path& target, ExportMetadata provenance,
                                              bool shrinks = false);

}  // namespace fairsweep
