/// fairsweep evaluate: the RFW protocol on one model, from an embedding file or from weights and data.
#include <fmt/format.h>

#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "commands.hpp"
#include "embed_on_ranks.hpp"
#include "data/unicode.hpp"
#include "embedding_pairs.hpp"
#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "run/gather_rows.hpp"
#include "metrics/cosine.hpp"
#include "metrics/pair_checks.hpp"
#include "network_options.hpp"
#include "score_report_output.hpp"
#include "store/embedding_file.hpp"
#include "study/image_embedding.hpp"
#include "study/items.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

constexpr CommandHelp kHelp{
    "fairsweep evaluate --embeddings E.h5 --pairs [GROUP=]FILE... [--json]\n"
    "       fairsweep evaluate --architecture A --weights W --data [NAME=]DIR [--json]",
    "The RFW protocol on one model: figures per group and at one threshold for all, with intervals (docs/statistics.md). "
    "Pair lists are in RFW's or LFW's form, or `path path 1|0`; an image is found by the end of its path. Faces of an RFW tree "
    "are aligned by their landmarks. Under mpirun every rank embeds a part.",
    "  fairsweep evaluate --embeddings faces.h5 --pairs A=txts/A/A_pairs.txt B=txts/B/B_pairs.txt\n"
    "  fairsweep evaluate --architecture iresnet100 --weights backbone.pth --data /data/RFW --json"};

struct Scored {
    ItemTable pairs;
    std::vector<double> scores;
    bool identities_known = true;
    std::vector<std::string> warnings;
};

/// Embeddings [rows, dimensions] of which the pairs take rows; `name` says a row's image. Throws a data error for a row that has
/// no direction, and so no cosine.
std::vector<double> checked_cosines(std::span<const float> embeddings, std::size_t dimensions,
                                    std::span<const std::uint32_t> row_a, std::span<const std::uint32_t> row_b,
                                    const std::function<std::string(std::uint32_t)>& name, const std::string& source) {
    for (const auto rows : {row_a, row_b})
        for (const std::uint32_t row : rows)
            if (const char* fault = row_fault(embeddings.subspan(row * dimensions, dimensions)))
                throw_data({.attempted = "cannot compare an embedding",
                            .where = source + ", row " + std::to_string(row) + " (" + name(row) + ")",
                            .found = fault,
                            .expected = "finite numbers, not all zero",
                            .hint = "embed this image again, or take its pairs out of the list"});
    return cosines(embeddings, dimensions, row_a, row_b);
}

[[noreturn]] void refuse_usage(const std::string& found) {
    throw_usage({.attempted = "cannot evaluate",
                 .found = found,
                 .expected = "--embeddings with --pairs, or --weights and --architecture with --data",
                 .hint = "see fairsweep evaluate --help"});
}

Scored score_embeddings(const po::variables_map& values) {
    if (values.count("pairs") == 0) refuse_usage("no --pairs");
    const std::string file = values["embeddings"].as<std::string>();
    std::vector<PairFile> pair_files;
    for (const std::string& text : values["pairs"].as<std::vector<std::string>>()) pair_files.push_back(parse_pair_file(text));
    const EmbeddingTable table = read_embedding_file(file);
    RowPairs pairs = pair_rows(pair_files, table.paths, file);
    std::vector<double> scores = checked_cosines(
        table.embeddings, table.dimensions, pairs.row_a, pairs.row_b,
        [&](std::uint32_t row) { return shown_text(table.paths[row]); }, file);
    return {std::move(pairs.table), std::move(scores), pairs.identities_known, std::move(pairs.warnings)};
}

DataSource rfw_source(const std::string& text) {
    const std::size_t equals = text.find('=');
    const bool has_name = equals != std::string::npos && equals != 0;
    return {.name = has_name ? text.substr(0, equals) : "data",
            .format = "rfw",
            .path = has_name ? text.substr(equals + 1) : text,
            .groups = {}};
}

/// Every image of every group once; pairs as rows of that list. Collective; nothing but on rank 0.
std::optional<Scored> score_network(const po::variables_map& values, Link& link) {
    if (values.count("data") == 0) refuse_usage("no --data");
    NetworkOptions options = network_options(values);
    options.flip = values.count("no-flip") == 0;
    const std::unique_ptr<VerificationSet> set = open_verification_set(rfw_source(values["data"].as<std::string>()));
    FaceEmbedder embedder(options.architecture, options.weights, options.precision, options.threads);
    check_bits(options, embedder);
    std::vector<std::pair<std::size_t, std::uint32_t>> images;  // group, image of the group
    std::vector<std::uint32_t> row_a, row_b;
    for (std::size_t g = 0; g < set->groups().size(); ++g) {
        const VerificationGroup& group = set->groups()[g];
        const auto first = static_cast<std::uint32_t>(images.size());
        for (std::uint32_t image = 0; image < group.image_paths.size(); ++image) images.emplace_back(g, image);
        for (const VerificationPair& pair : group.pairs) {
            row_a.push_back(first + pair.image_a);
            row_b.push_back(first + pair.image_b);
        }
    }
    const FaceSource faces{
        [&](std::uint64_t i) { return set->aligned_image(images[i].first, images[i].second, embedder.input_size()); },
        [&](std::uint64_t i) { return set->groups()[images[i].first].image_paths[images[i].second]; }};
    const std::vector<float> embeddings =
        embed_on_ranks(link, embedder, images.size(), options, faces, values.count("quiet") != 0);
    if (link.rank() != 0) return std::nullopt;
    const ItemTable table = item_table_of(*set);
    std::vector<double> scores = checked_cosines(
        embeddings, embedder.embedding_size(), row_a, row_b, [&](std::uint32_t row) { return faces.name(row); },
        options.weights.string());
    return Scored{table, std::move(scores), true, repeated_pair_warnings(table, row_a, row_b)};
}

}  // namespace

int evaluate_command(const Arguments& arguments) {
    po::options_description description("options");
    description.add_options()("embeddings", po::value<std::string>(),
                              "HDF5 file with /embeddings and /paths, as `fairsweep embed` writes it")(
        "pairs", po::value<std::vector<std::string>>()->multitoken(), "[GROUP=]FILE...: pair lists, one per group")(
        "data", po::value<std::string>(), "[NAME=]DIR: an RFW tree (data/ and txts/)");
    add_network_options(description, false);
    description.add_options()("no-flip", "do not add the mirrored face's embedding (published evaluations add it)")(
        "json", "print one JSON object");
    po::variables_map values;
    if (!parse_arguments(arguments, kHelp, description, {}, values)) return 0;
    const bool has_embeddings = values.count("embeddings") != 0;
    if (has_embeddings && (values.count("weights") != 0 || values.count("data") != 0))
        refuse_usage("both --embeddings and --weights or --data");
    if (!has_embeddings && values.count("weights") == 0) refuse_usage("neither --embeddings nor --weights");
    run_on_all_ranks([&](Link& link) {
        std::optional<Scored> scored;
        if (!has_embeddings) {
            scored = score_network(values, link);
        } else if (link.rank() == 0) {
            scored = score_embeddings(values);
        }
        if (!scored) return;
        ScoreReportOptions how;
        how.identities_known = scored->identities_known;
        how.warnings = scored->warnings;
        const ScoreReport report = score_report(scored->pairs, scored->scores, how);
        std::cout << (values.count("json") != 0 ? score_report_json(report) + "\n" : score_report_table(report));
    });
    return 0;
}

}  // namespace fairsweep
