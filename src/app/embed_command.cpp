/// fairsweep embed: embeddings of image files, by one process or by all ranks of a launcher.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <optional>

#include "commands.hpp"
#include "data/jpeg.hpp"
#include "embed_on_ranks.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "run/gather_rows.hpp"
#include "network_options.hpp"
#include "store/embedding_file.hpp"
#include "study/image_embedding.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;

constexpr CommandHelp kHelp{
    "fairsweep embed [--architecture A] --weights W --images DIR|LIST --output E.h5",
    "Writes the embeddings of aligned faces (JPEG, PNG; resized to the network's input) as HDF5: /embeddings float32 [images, "
    "dimensions], not normalised, and /paths. W is a .pth with a state_dict, .safetensors, or a checkpoint of fairsweep, found "
    "out by content; the last says its architecture. Under mpirun every rank takes a contiguous part of the images; with the "
    "same --batch and --threads the "
    "file is the same bit for bit whatever the number of ranks.",
    "  fairsweep embed --architecture iresnet100 --weights backbone.pth --images faces --output faces.h5\n"
    "  mpirun -n 4 fairsweep embed --architecture mobilefacenet --weights w.safetensors --images list.txt --output e.h5 "
    "--threads 4"};

struct Options {
    NetworkOptions network;
    fs::path images;
    fs::path output;
    bool quiet = false;
};

std::optional<Options> parse(const Arguments& arguments) {
    po::options_description description("options");
    add_network_options(description, true);
    description.add_options()("images", po::value<std::string>()->required(),
                              "folder (with subfolders) of aligned faces, or a text file with one path per line")(
        "output", po::value<std::string>()->required(), "HDF5 file to write; replaced when it is there");
    po::variables_map values;
    if (!parse_arguments(arguments, kHelp, description, {}, values)) return std::nullopt;
    Options options;
    options.network = network_options(values);
    options.images = values["images"].as<std::string>();
    options.output = values["output"].as<std::string>();
    const fs::path folder = options.output.parent_path();
    if (!folder.empty() && !fs::is_directory(folder))  // reported before the work, not after it
        throw_usage({.attempted = "cannot write the embeddings",
                     .where = options.output.string(),
                     .found = "no folder " + folder.string(),
                     .expected = "a folder that is there"});
    options.quiet = values.count("quiet") != 0;
    return options;
}

void embed(const Options& options, Link& link) {
    const ImageList list = list_images(options.images);
    FaceEmbedder embedder(options.network.architecture, options.network.weights, options.network.precision,
                          options.network.threads);
    check_bits(options.network, embedder);
    const FaceSource faces{[&list](std::uint64_t index) { return read_image(list.file(index)); },
                           [&list](std::uint64_t index) { return list.file(index).string(); }};
    EmbeddingTable table;
    FaceSizes sizes;
    table.embeddings = embed_on_ranks(link, embedder, list.names.size(), options.network, faces, options.quiet, &sizes);
    if (link.rank() != 0) return;
    const std::string resized = resized_faces_text(sizes, embedder.input_size());
    if (!resized.empty()) log_warning(resized);
    table.images = list.names.size();
    table.dimensions = embedder.embedding_size();
    table.paths = list.names;
    table.attributes = {{"weights_sha256", embedder.digest().hex()},
                        {"architecture", embedder.architecture()},
                        {"bits", embedder.bits().text()},
                        {"precision", options.network.precision == Precision::bf16 ? "bf16" : "fp32"},
                        {"flip", options.network.flip ? "true" : "false"}};
    write_embedding_file(options.output, table);
    log_info(fmt::format("{}: {} embeddings of {} dimensions, {} ({})", options.output.string(), table.images, table.dimensions,
                         embedder.architecture(), embedder.kind()));
}

}  // namespace

int embed_command(const Arguments& arguments) {
    const std::optional<Options> options = parse(arguments);
    if (!options) return 0;
    run_on_all_ranks([&](Link& link) { embed(*options, link); });
    return 0;
}

}  // namespace fairsweep
