#pragma once
/// Embeddings of images as an HDF5 file: what `fairsweep embed` writes and `fairsweep evaluate` reads, from anybody.
///   /embeddings  float32 [images, dimensions], not normalised
///   /paths       strings [images]
/// and attributes of the root group: weights_sha256, architecture, bits, precision, flip.
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fairsweep {

struct EmbeddingTable {
    std::size_t images = 0;
    std::size_t dimensions = 0;
    std::vector<float> embeddings;  ///< [images, dimensions]
    std::vector<std::string> paths;
    std::map<std::string, std::string> attributes;
};

/// Writes beside and renames. Throws infrastructure errors.
void write_embedding_file(const std::filesystem::path& path, const EmbeddingTable& table);

/// Paths may be strings of fixed or variable length, embeddings floats of any width; attributes that are no texts are left
/// out. Extents are checked against the file's size before memory is taken. Throws a data error naming file and dataset.
[[nodiscard]] EmbeddingTable read_embedding_file(const std::filesystem::path& path);

}  // namespace fairsweep
