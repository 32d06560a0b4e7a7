#include "embed_on_ranks.hpp"

#include "clocks.hpp"
#include "gather_rows.hpp"
#include "progress.hpp"

namespace fairsweep {

std::vector<float> embed_on_ranks(Link& link, FaceEmbedder& embedder, std::uint64_t images, const NetworkOptions& options,
                                  const FaceSource& faces, bool quiet) {
    Progress progress(link.rank() == 0 ? progress_style(quiet) : Progress::Style::none);
    const EmbedOptions how{.batch_images = options.batch_images, .flip = options.flip};
    const auto compute = [&](std::uint64_t begin, std::uint64_t end) {
        progress.start(steady_now_s());
        return embedder.embed(begin, end, how, faces, [&](std::uint64_t done) {
            progress.show_count(done, end - begin, link.size() == 1 ? "images" : "images of this rank", steady_now_s());
        });
    };
    std::vector<float> rows =
        gather_rows(link, images, embedder.embedding_size(), static_cast<std::uint64_t>(how.batch_images), compute);
    progress.finish();
    return rows;
}

}  // namespace fairsweep
