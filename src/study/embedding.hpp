#pragma once
/// Embeddings of many faces, and the teacher's cached embeddings as an artefact.
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/network.hpp"
#include "study/data_order.hpp"
#include "study/safetensors.hpp"

namespace fairsweep {

/// Pixels [size, size, 3] of a face by its index.
using FaceReader = std::function<std::span<const std::uint8_t>(std::uint64_t index)>;

struct MirroredEmbeddings {
    torch::Tensor plain;     ///< float32 [images, output_size], as the network gives them; of a teacher what its task keeps
    torch::Tensor mirrored;  ///< of the images mirrored left to right; undefined when not asked for
};

/// `network` in eval mode with frozen ranges; it is prepared for inference (model/inference.hpp). `keep_going(done)` is asked
/// after every batch; false ends early with undefined tensors.
[[nodiscard]] MirroredEmbeddings embed_faces(Network& network, std::uint64_t images, bool mirror, const FaceReader& read,
                                             const std::function<bool(std::uint64_t done)>& keep_going);

/// The same of the `count` images from `first` on, by a network on `device` that is ready for inference.
[[nodiscard]] MirroredEmbeddings embed_batch(Network& network, std::uint64_t first, std::uint64_t count, bool mirror,
                                             const FaceReader& read, torch::Device device = torch::kCPU);

/// Cosine of row pairs after both orientations were added and normalised, all in float64: [pairs] as float32 in [-1, 1].
/// Throws NonFiniteError when an embedding is not finite, or zero: it has no direction.
[[nodiscard]] std::vector<float> cosine_scores(const MirroredEmbeddings& embeddings, std::span<const std::uint32_t> image_a,
                                               std::span<const std::uint32_t> image_b);

/// What a teacher file holds: unit vectors in half precision, [images, embedding_size]. Unit, since every loss of embeddings
/// takes unit vectors and half precision has no room for long ones; its rounding moves an embedding by at most 2^-11 of its
/// length.
[[nodiscard]] torch::Tensor half_units(const torch::Tensor& embeddings);

/// A teacher file's tensors "embeddings" and, when flips are used, "embeddings_mirrored", half precision as above. Augmentation
/// is the flip alone, so the two are the teacher on every image that a student can see. They stay where the file is mapped:
/// millions of images need not fit into memory.
class TeacherTargets {
public:
    /// `file` must outlive this. Throws a data error when it has not these images and values.
    TeacherTargets(const SafetensorsFile& file, bool mirrored, std::uint64_t images, int values);
    /// Of each sample in the orientation that the student sees: float32 [batch, values].
    [[nodiscard]] torch::Tensor of(std::span<const Sample> samples, torch::Device device = torch::kCPU) const;

private:
    std::size_t values_;
    std::span<const std::byte> plain_, mirrored_;
};

}  // namespace fairsweep
