#pragma once
/// What an exported file says about itself: text by key, the same in every format (docs/export.md).
#include <map>
#include <string>

#include "export/exported_network.hpp"
#include "export/packed_size.hpp"

namespace fairsweep {

using ExportMetadata = std::map<std::string, std::string>;

/// Keys ranges and masks (JSON objects by activation point and by layer), quantiser (the formula in words), and
/// size_packed_bytes, size_packed_sparse_bytes, size_float32_bytes with their parts.
[[nodiscard]] ExportMetadata describe_numbers(const ExportedNetwork& network, const PackedSize& size);

/// Bytes of the same network in float32, without any compression: 4 bytes a value, without batch counters.
[[nodiscard]] std::uint64_t float32_bytes(const ExportedNetwork& network);

}  // namespace fairsweep
