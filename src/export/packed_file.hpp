#pragma once
/// The compressed network in its true size: safetensors layout, codes without gaps. Bytes: docs/export.md.
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "export/exported_network.hpp"
#include "export/metadata.hpp"
#include "study/safetensors.hpp"

namespace fairsweep {

/// Codes of `bits` bits as a stream: code i less `lowest` stands in bits [i * bits, (i + 1) * bits), least significant
/// first; the last byte is filled with zeros. Every code is in [lowest, lowest + 2^bits).
[[nodiscard]] std::vector<std::uint8_t> pack_codes(std::span<const std::int32_t> codes, int bits, std::int32_t lowest);

/// Writes "<layer>.weight.codes" U8, ".scale" and ".zero_point" F32 [channels] or [1] of quantised weights, "<layer>.weight"
/// F32 of others, "<layer>.weight.pruned" U8 (one bit a weight) of pruned layers, "<point>.scale" and ".zero_point" F32 [1],
/// and what stays float32 under its own name. The data of the file are exactly PackedSize::total_bytes() long.
[[nodiscard]] SafetensorsWriter::Written write_packed_file(const std::filesystem::path& path, const ExportedNetwork& network,
                                                           ExportMetadata metadata);

}  // namespace fairsweep
