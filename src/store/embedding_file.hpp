#pragma once
/// Embeddings of images as an HDF5 file: what `fairsweep embed` writes and `fairsweep evaluate` reads, from anybody.
///   /embeddings  float32 [images, dimensions], not normalised
///   /paths       strings [images]
/// and attributes of the root group: weights_sha256, architecture, bits, precision, flip. Ours also have format and version,
/// and end with a seal (seal.hpp): any changed byte is found. Files of others are read in another process (read_apart.hpp).
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "store/read_apart.hpp"

namespace fairsweep {

struct EmbeddingTable {
    std::size_t images = 0;
    std::size_t dimensions = 0;
    std::vector<float> embeddings;  ///< [images, dimensions]
    std::vector<std::string> paths;
    std::map<std::string, std::string> attributes;
};

/// persistent: part of every embedding file of ours.
inline constexpr std::uint32_t kEmbeddingVersion = 1;

/// Writes with a seal, beside, and renames. Throws infrastructure errors.
void write_embedding_file(const std::filesystem::path& path, const EmbeddingTable& table);

/// Paths may be strings of fixed or variable length, embeddings IEEE floats of 16, 32 or 64 bits; attributes that are no
/// texts are left out. Extents are checked against the file's size before memory is taken. Throws a data error naming file
/// and dataset; also for a file of ours that was changed after it was written, and for one that HDF5 cannot survive.
[[nodiscard]] EmbeddingTable read_embedding_file(const std::filesystem::path& path);

/// The process that reads the file of others: sends its table.
void send_embeddings(const ApartWriter& writer, const std::filesystem::path& path);

}  // namespace fairsweep
