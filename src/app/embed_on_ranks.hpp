#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mpi/link.hpp"
#include "network_options.hpp"

namespace fairsweep {

/// How many faces were given in which size: rows and columns, in pixels.
using FaceSizes = std::map<std::pair<int, int>, std::uint64_t>;

/// Embeds `images` faces, a part on every rank, with a progress bar on rank 0, which also says what of the weights' file is not
/// used. Collective. Rows [images, embedding_size] on rank 0, nothing on the others; errors as of gather_rows() and
/// FaceEmbedder::embed(). `sizes`, where it is given, holds on rank 0 the sizes of all faces before they were resized.
[[nodiscard]] std::vector<float> embed_on_ranks(Link& link, FaceEmbedder& embedder, std::uint64_t images,
                                                const NetworkOptions& options, const FaceSource& faces, bool quiet,
                                                FaceSizes* sizes = nullptr);

/// What to tell about faces of other sizes than the network's input (pixels per side): empty when there is none.
[[nodiscard]] std::string resized_faces_text(const FaceSizes& sizes, int input_size);

}  // namespace fairsweep
