#pragma once
#include <vector>

#include "mpi/link.hpp"
#include "network_options.hpp"

namespace fairsweep {

/// Embeds `images` faces, a part on every rank, with a progress bar on rank 0. Collective. Rows [images, embedding_size] on rank
/// 0, nothing on the others; errors as of gather_rows() and FaceEmbedder::embed().
[[nodiscard]] std::vector<float> embed_on_ranks(Link& link, FaceEmbedder& embedder, std::uint64_t images,
                                                const NetworkOptions& options, const FaceSource& faces, bool quiet);

}  // namespace fairsweep
