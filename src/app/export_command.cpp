/// fairsweep export: the network of a point as a file that other programs read.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "commands.hpp"
#include "export/export_point.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"
#include "plan/find_point.hpp"
#include "plan/point_state.hpp"
#include "store/store.hpp"
#include "study/stage_context.hpp"
#include "version.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

constexpr CommandHelp kHelp{
    "fairsweep export --store S --point P --format safetensors|onnx --output F [--packed] [--shrink] [--json]",
    "Writes the trained, compressed network of a point for other programs. P is the id of the point, as `analyze --csv` names "
    "it, "
    "or its first digits. Says the true size of the network: weights at their bits, ranges, masks and what stays float32.",
    "  fairsweep export --store demo/sweep.h5 --point 1f2e3d4c5b6a --format onnx --output network.onnx\n"
    "  fairsweep export --store demo/sweep.h5 --point 1f2e3d4c5b6a --format safetensors --packed --output network.safetensors"};

std::string required(const po::variables_map& values, const char* option) {
    if (values.count(option) == 0) {
        throw_usage({.attempted = fmt::format("--{} is missing", option), .where = kHelp.usage, .hint = "see --help"});
    }
    return values[option].as<std::string>();
}

ExportFormat format_from(const po::variables_map& values) {
    const std::string word = required(values, "format");
    const bool packed = values.count("packed") != 0;
    if (word == "safetensors") return packed ? ExportFormat::packed : ExportFormat::safetensors;
    if (word != "onnx") {
        throw_usage({.attempted = "unknown format", .where = "--format", .found = word, .expected = "safetensors or onnx"});
    }
    if (packed) {
        throw_usage({.attempted = "--packed is for safetensors: ONNX has no codes of any width",
                     .where = "--format",
                     .found = word,
                     .expected = "--format safetensors --packed"});
    }
    return ExportFormat::onnx;
}

/// The row of the network's stage, done; the point itself may still be waiting for its evaluation.
const Row& finished_row(const StoreReader& store, const Point& point) {
    const Plan& plan = store.plan();
    const Stage& stage = plan.stages[point.network_stage];
    const Row* row = store.row(stage.id);
    if (row != nullptr && row->outcome.state == StageState::done) return *row;
    throw_usage({.attempted = "cannot export a point whose network is not trained",
                 .where = describe_point(plan, point),
                 .found = fmt::format("its {} stage {} is {}", name_of(stage.kind), stage.id.short_hex(),
                                      row == nullptr ? "waiting" : name_of(row->outcome.state)),
                 .expected = "done",
                 .hint = row == nullptr ? "run the sweep first" : row->outcome.message});
}

std::filesystem::path artefact_of(const std::filesystem::path& store, const Stage& stage) {
    return artefact_path(artefact_folder_of(store), stage.kind, stage.id);
}

SafetensorsFile open_network(const std::filesystem::path& path, const Stage& stage, const Row& row) {
    if (!std::filesystem::exists(path)) {
        throw_data({.attempted = "cannot export a network whose file is gone",
                    .where = path.string(),
                    .found = "no such file",
                    .expected = fmt::format("what {} stage {} left", name_of(stage.kind), stage.id.short_hex()),
                    .hint = "fairsweep run with this store trains it again"});
    }
    SafetensorsFile file(path);
    if (file.metadata("kind") == kScoresKind)
        throw_usage({.attempted = "cannot export a point that has no network",
                     .where = path.string(),
                     .found = "scores, which the program " + stage.program.text() + " left",
                     .expected = "a network",
                     .hint = "only programs with result = checkpoint leave one"});
    check_artefact(file, "network", stage.id);
    const Digest digest = sha256_of_file(path);
    if (digest != row.outcome.artefact) {
        throw_data({.attempted = "cannot export a network whose file was changed",
                    .where = path.string(),
                    .found = "SHA-256 " + digest.short_hex(),
                    .expected = row.outcome.artefact.short_hex() + ", as its row says",
                    .hint = "delete the file; fairsweep run with this store trains it again"});
    }
    return file;
}

ExportMetadata provenance_of(const StoreReader& store, const Point& point, const Row& row) {
    const Plan& plan = store.plan();
    const Stage& stage = plan.stages[point.network_stage];
    ExportMetadata metadata{{"arm", name_of(point.arm)},
                            {"checkpoint_sha256", row.outcome.artefact.hex()},
                            {"code_version", store.code_version(stage.id)},
                            {"exported_by", "fairsweep " + version_line()},
                            {"format", "pt"},
                            {"kind", "network"},
                            {"point", point.id.hex()},
                            {"recipe", stage.parameters.text()},
                            {"seed", std::to_string(point.seed)},
                            {"stage", stage.id.hex()},
                            {"sweep", plan.sweep_name}};
    if (!plan.classes.empty()) metadata["class_names"] = nlohmann::json(plan.classes).dump();
    for (std::size_t axis = 0; axis < plan.axes.size(); ++axis) metadata.emplace(plan.axes[axis].name, text_of(point.axes[axis]));
    for (const StageIndex need : stage.needs)
        if (plan.stages[need].kind == StageKind::baseline) {
            metadata["baseline_recipe"] = plan.stages[need].parameters.text();
            metadata["baseline_stage"] = plan.stages[need].id.hex();
        }
    return metadata;
}

void print(const std::filesystem::path& output, const Plan& plan, const Point& point, const ExportSummary& summary,
           bool as_json) {
    if (as_json) {
        const nlohmann::ordered_json json{{"point", point.id.hex()},
                                          {"output", output.string()},
                                          {"file_bytes", summary.file_bytes},
                                          {"packed_bytes", summary.packed_bytes},
                                          {"packed_sparse_bytes", summary.packed_sparse_bytes},
                                          {"float32_bytes", summary.float32_bytes}};
        std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
        return;
    }
    std::cout << fmt::format("{}\n  {} ({})\n  the network takes {} packed ({} bytes", describe_point(plan, point),
                             output.string(), human_bytes(summary.file_bytes), human_bytes(summary.packed_bytes),
                             summary.packed_bytes);
    if (summary.packed_sparse_bytes != summary.packed_bytes)
        std::cout << fmt::format("; {} with only its kept weights stored", summary.packed_sparse_bytes);
    std::cout << fmt::format("), {} in float32\n", human_bytes(summary.float32_bytes));
}

/// The store and what belongs to it must survive a slip of the hand.
void refuse_to_replace(const std::filesystem::path& output, const std::filesystem::path& store) {
    std::error_code ignored;
    const std::filesystem::path folder = output.has_parent_path() ? output.parent_path() : ".";
    if (std::filesystem::equivalent(output, store, ignored) ||
        std::filesystem::equivalent(folder, artefact_folder_of(store), ignored)) {
        throw_usage({.attempted = "--output would replace a part of the store",
                     .where = output.string(),
                     .expected = "a file outside " + store.string() + " and " + artefact_folder_of(store).string()});
    }
}

void export_point(const po::variables_map& values) {
    const std::filesystem::path store_path = required(values, "store");
    const std::string word = required(values, "point");
    const ExportFormat format = format_from(values);
    const std::filesystem::path output = required(values, "output");
    refuse_to_replace(output, store_path);
    const StoreReader store(store_path);
    const Point& point = find_point(store.plan(), word);
    const Stage& stage = store.plan().stages[point.network_stage];
    const Row& row = finished_row(store, point);
    const SafetensorsFile checkpoint = open_network(artefact_of(store_path, stage), stage, row);
    const ExportSummary summary =
        export_checkpoint(checkpoint, format, output, provenance_of(store, point, row), values.count("shrink") != 0);
    print(output, store.plan(), point, summary, values.count("json") != 0);
}

}  // namespace

int export_command(const Arguments& arguments) {
    po::options_description options("options");
    options.add_options()("store", po::value<std::string>()->value_name("S"), "store of the sweep")(
        "point", po::value<std::string>()->value_name("P"), "id of the point, or its first digits")(
        "format", po::value<std::string>()->value_name("safetensors|onnx"), "format of the file")(
        "output,o", po::value<std::string>()->value_name("F"), "file to write; an old one is replaced")(
        "packed", "safetensors only: codes at their bits instead of float32 weights")(
        "shrink", "onnx and packed: channels that are pruned whole are cut out")("json", "one JSON object on standard output");
    po::variables_map values;
    if (!parse_arguments(arguments, kHelp, options, {}, values)) return 0;
    try {
        export_point(values);
    } catch (const Error& error) {
        // This command has one exit code for everything that the world did: 2.
        if (error.kind() == ErrorKind::store) throw_data(error.parts());
        throw;
    }
    return 0;
}

}  // namespace fairsweep
