#include "study/image_embedding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "data/folder_set.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "model/inference.hpp"
#include "study/resize.hpp"
#include "study/tensors.hpp"
#include "study/weights.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_list(const fs::path& path, const std::string& found, const std::string& expected) {
    throw_data({.attempted = "cannot list the images", .where = path.string(), .found = found, .expected = expected});
}

std::vector<std::string> names_in_folder(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
        if (entry->is_regular_file() && has_image_extension(entry->path()))
            names.push_back(entry->path().lexically_relative(folder).generic_string());
    if (error) refuse_list(folder, error.message(), "a folder that can be read");
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> names_in_list(const fs::path& list) {
    std::vector<std::string> names;
    for (const std::string& line : split(read_text_file(list), '\n'))
        if (!line.empty()) names.push_back(line);
    return names;
}

/// The face as the network takes it; errors name the image.
std::vector<std::uint8_t> network_input(const Image& image, int size, const std::string& name) {
    if (image.rows != image.cols)
        throw_data({.attempted = "cannot feed an image to the network",
                    .where = name,
                    .found = fmt::format("{} x {} pixels", image.cols, image.rows),
                    .expected = "an aligned face, as many rows as columns",
                    .hint = "align it to the ArcFace template first (112 x 112 pixels)"});
    const auto side = static_cast<std::size_t>(size);
    std::vector<std::uint8_t> pixels(side * side * 3);
    resize_square(image, size, pixels);
    return pixels;
}

[[noreturn]] void refuse_non_finite(const std::string& name) {
    throw_data({.attempted = "cannot embed an image",
                .where = name,
                .found = "an embedding with NaN or infinite values",
                .expected = "finite values",
                .hint = "the network's weights are damaged, or its training diverged"});
}

}  // namespace

ImageList list_images(const fs::path& folder_or_list) {
    ImageList list;
    if (fs::is_directory(folder_or_list)) {
        list = {folder_or_list, names_in_folder(folder_or_list)};
        if (list.names.empty()) refuse_list(folder_or_list, "no image", ".jpg, .jpeg or .png files, in subfolders or not");
    } else {
        list = {folder_or_list.parent_path(), names_in_list(folder_or_list)};
        if (list.names.empty()) refuse_list(folder_or_list, "no line", "one path per line");
    }
    return list;
}

struct FaceEmbedder::Impl {
    LoadedWeights weights;
};

FaceEmbedder::FaceEmbedder(const std::string& architecture, const fs::path& weights, Precision precision, int threads)
    : impl_(std::make_unique<Impl>()) {
    make_torch_deterministic(threads);
    impl_->weights = load_weights(architecture, weights);
    prepare_for_inference(*impl_->weights.network, precision);
}
FaceEmbedder::~FaceEmbedder() = default;

std::size_t FaceEmbedder::embedding_size() const { return static_cast<std::size_t>(impl_->weights.network->embedding_size()); }
int FaceEmbedder::input_size() const { return impl_->weights.network->input_size(); }
Bits FaceEmbedder::bits() const { return impl_->weights.bits; }
const std::string& FaceEmbedder::architecture() const { return impl_->weights.architecture; }
const std::string& FaceEmbedder::left_out() const { return impl_->weights.left_out; }
const std::string& FaceEmbedder::kind() const { return impl_->weights.kind; }
const Digest& FaceEmbedder::digest() const { return impl_->weights.digest; }

std::vector<float> FaceEmbedder::embed(std::uint64_t begin, std::uint64_t end, const EmbedOptions& options,
                                       const FaceSource& faces, const std::function<void(std::uint64_t)>& progress) {
    const auto batch_images = static_cast<std::uint64_t>(options.batch_images);
    FAIRSWEEP_CHECK(batch_images > 0 && begin % batch_images == 0, "embed whole batches");
    const torch::InferenceMode no_gradients;
    Network& network = *impl_->weights.network;
    const std::size_t dimensions = embedding_size();
    std::vector<float> rows((end - begin) * dimensions);
    for (std::uint64_t first = begin; first < end; first += batch_images) {
        const std::uint64_t count = std::min(batch_images, end - first);
        ImageBatch batch(static_cast<std::int64_t>(count), input_size());
        ImageBatch mirrored(options.flip ? static_cast<std::int64_t>(count) : 0, input_size());
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::vector<std::uint8_t> pixels = network_input(faces.image(first + i), input_size(), faces.name(first + i));
            batch.set(static_cast<std::int64_t>(i), pixels, false);
            if (options.flip) mirrored.set(static_cast<std::int64_t>(i), pixels, true);
        }
        torch::Tensor sum = network.forward(batch.tensor()).to(torch::kDouble);
        if (options.flip) sum = sum + network.forward(mirrored.tensor()).to(torch::kDouble);
        const torch::Tensor embeddings = sum.to(torch::kFloat).contiguous();
        for (std::uint64_t i = 0; i < count; ++i)
            if (!torch::isfinite(embeddings[static_cast<std::int64_t>(i)]).all().item<bool>())
                refuse_non_finite(faces.name(first + i));
        std::copy_n(embeddings.const_data_ptr<float>(), count * dimensions, rows.data() + (first - begin) * dimensions);
        progress(first + count - begin);
    }
    return rows;
}

}  // namespace fairsweep
