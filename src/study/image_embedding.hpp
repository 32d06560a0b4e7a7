#pragma once
/// Embeddings of image files: the work of `fairsweep embed`, as a function of the files alone.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fairsweep/dataset.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/sweep.hpp"
#include "model/precision.hpp"

namespace fairsweep {

/// The images of a folder and its subfolders (.jpg, .jpeg, .png), in the order of their paths' bytes, or of a list: a text
/// file with one path per line, below the list's folder unless absolute. Throws a data error when there is none.
struct ImageList {
    std::filesystem::path base;      ///< what relative names are below
    std::vector<std::string> names;  ///< as they are stored
    [[nodiscard]] std::filesystem::path file(std::size_t index) const { return base / names[index]; }
};
[[nodiscard]] ImageList list_images(const std::filesystem::path& folder_or_list);

/// What is embedded: aligned faces by index. Each function may be called more than once.
struct FaceSource {
    std::function<Image(std::uint64_t index)> image;
    std::function<std::string(std::uint64_t index)> name;  ///< of the image, for errors
};

struct EmbedOptions {
    int batch_images = 32;
    bool flip = false;  ///< add the embedding of the mirrored image
};

/// A network with weights from a file (study/weights.hpp says which), ready to embed. No torch in this header.
class FaceEmbedder {
public:
    /// Throws as load_weights() (which takes an empty architecture too) and prepare_for_inference() do. Sets torch's thread count
    /// for the process.
    FaceEmbedder(const std::string& architecture, const std::filesystem::path& weights, Precision precision, int threads);
    ~FaceEmbedder();
    FaceEmbedder(const FaceEmbedder&) = delete;
    FaceEmbedder& operator=(const FaceEmbedder&) = delete;

    [[nodiscard]] std::size_t embedding_size() const;
    [[nodiscard]] int input_size() const;  ///< pixels per side
    [[nodiscard]] Bits bits() const;       ///< of the weights' own ranges; 32 without
    [[nodiscard]] const std::string& architecture() const;
    [[nodiscard]] const std::string& kind() const;
    [[nodiscard]] const std::string& left_out() const;  ///< tensors of the file that were not used; empty: none
    [[nodiscard]] const Digest& digest() const;         ///< of the weights' file

    /// Images begin .. end - 1 in batches [batch_images * b, ...) of the whole list, so that a part of the work gives the same
    /// bits as the whole; `begin` is a multiple of the batch. Faces are resized to the network's input. Returns rows
    /// [end - begin, embedding_size], float32, not normalised. `progress(done)` counts images of this part. Throws a data
    /// error naming the image for faces that are no squares and embeddings that are not finite.
    [[nodiscard]] std::vector<float> embed(std::uint64_t begin, std::uint64_t end, const EmbedOptions& options,
                                           const FaceSource& faces, const std::function<void(std::uint64_t done)>& progress);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace fairsweep
