#include "embed_on_ranks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "run/clocks.hpp"
#include "fairsweep/log.hpp"
#include "run/gather_rows.hpp"
#include "run/progress.hpp"

namespace fairsweep {
namespace {

/// Columns behind an embedding while it travels: rows and columns of its face.
constexpr std::size_t kSizeColumns = 2;

/// Embeddings of a part, each followed by the size of its face in pixels.
std::vector<float> with_sizes(const std::vector<float>& rows, std::size_t dimensions, const std::vector<float>& sizes) {
    std::vector<float> wide;
    wide.reserve(rows.size() + sizes.size());
    for (std::size_t image = 0; image * kSizeColumns < sizes.size(); ++image) {
        const auto row = rows.begin() + static_cast<std::ptrdiff_t>(image * dimensions);
        wide.insert(wide.end(), row, row + static_cast<std::ptrdiff_t>(dimensions));
        const auto size = sizes.begin() + static_cast<std::ptrdiff_t>(image * kSizeColumns);
        wide.insert(wide.end(), size, size + kSizeColumns);
    }
    return wide;
}

/// Takes the sizes out again, in place, and counts them.
void split_sizes(std::vector<float>& wide, std::size_t dimensions, FaceSizes& sizes) {
    const std::size_t columns = dimensions + kSizeColumns;
    for (std::size_t image = 0; image < wide.size() / columns; ++image) {
        const float* row = wide.data() + image * columns;
        ++sizes[{static_cast<int>(row[dimensions]), static_cast<int>(row[dimensions + 1])}];
        std::copy_n(row, dimensions, wide.data() + image * dimensions);
    }
    wide.resize(wide.size() / columns * dimensions);
}

}  // namespace

std::vector<float> embed_on_ranks(Link& link, FaceEmbedder& embedder, std::uint64_t images, const NetworkOptions& options,
                                  const FaceSource& faces, bool quiet, FaceSizes* sizes) {
    if (link.rank() == 0 && !embedder.left_out().empty()) log_info("not used of the weights' file: " + embedder.left_out());
    Progress progress(link.rank() == 0 ? progress_style(quiet) : Progress::Style::none);
    const EmbedOptions how{.batch_images = options.batch_images, .flip = options.flip};
    const std::size_t dimensions = embedder.embedding_size();
    const auto compute = [&](std::uint64_t begin, std::uint64_t end) {
        progress.start(steady_now_s());
        std::vector<float> seen(kSizeColumns * (end - begin));
        const FaceSource measured{[&](std::uint64_t index) {
                                      Image face = faces.image(index);
                                      seen[kSizeColumns * (index - begin)] = static_cast<float>(face.rows);
                                      seen[kSizeColumns * (index - begin) + 1] = static_cast<float>(face.cols);
                                      return face;
                                  },
                                  faces.name};
        const std::vector<float> rows = embedder.embed(begin, end, how, measured, [&](std::uint64_t done) {
            progress.show_count(done, end - begin, link.size() == 1 ? "images" : "images of this rank", steady_now_s());
        });
        return with_sizes(rows, dimensions, seen);
    };
    std::vector<float> rows =
        gather_rows(link, images, dimensions + kSizeColumns, static_cast<std::uint64_t>(how.batch_images), compute);
    progress.finish();
    FaceSizes counted;
    split_sizes(rows, dimensions, counted);
    if (sizes != nullptr) *sizes = std::move(counted);
    return rows;
}

std::string resized_faces_text(const FaceSizes& sizes, int input_size) {
    constexpr std::size_t kShown = 3;
    std::vector<std::pair<std::uint64_t, std::pair<int, int>>> others;  // how many, rows and cols
    std::uint64_t images = 0;
    for (const auto& [size, count] : sizes) {
        if (size.first == input_size && size.second == input_size) continue;
        others.emplace_back(count, size);
        images += count;
    }
    if (others.empty()) return {};
    std::stable_sort(others.begin(), others.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string text;
    for (std::size_t i = 0; i < std::min(kShown, others.size()); ++i)
        text +=
            fmt::format("{}{} of {}x{}", i == 0 ? "" : ", ", others[i].first, others[i].second.second, others[i].second.first);
    if (others.size() > kShown) text += ", ...";
    return fmt::format(
        "{} image{} not {}x{} and {} resized to it ({}): embed expects faces aligned to the ArcFace template and aligns none. "
        "For an RFW tree use: fairsweep evaluate --data DIR, which aligns by the tree's landmarks",
        images, images == 1 ? " is" : "s are", input_size, input_size, images == 1 ? "was" : "were", text);
}

}  // namespace fairsweep
