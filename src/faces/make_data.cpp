#include "faces/make_data.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/json_depth.hpp"
#include "faces/expressions.hpp"
#include "faces/pair_lists.hpp"
#include "faces/sets.hpp"

namespace fairsweep::faces {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

void check_range(const char* option, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
    if (value >= low && value <= high) return;
    throw_usage({.attempted = "cannot make such a data set",
                 .where = option,
                 .found = std::to_string(value),
                 .expected = fmt::format("{} to {}", low, high)});
}

SetSize test_size(const FaceDataParameters& p) { return {p.test_identities, images_needed(p.test_identities, p.pairs)}; }

/// What must be equal for a finished folder to be the one that is asked for.
ordered_json parameters_json(const FaceDataParameters& p) {
    ordered_json root;
    root["renderer_version"] = kRendererVersion;
    root["seed"] = p.seed;
    root["identities_per_group"] = p.identities;
    root["images_per_identity"] = p.images;
    root["calibration_identities_per_group"] = p.calibration_identities;
    root["calibration_images_per_identity"] = p.calibration_images;
    root["test_identities_per_group"] = p.test_identities;
    root["pairs_per_group"] = p.pairs;
    if (p.expressions != 0) root["expression_images_per_class_and_group"] = p.expressions;
    for (const Group& group : p.groups) {
        root["groups"].push_back({{"name", group.name}, {"spread", group.spread}, {"noise", group.noise}, {"look", group.look}});
    }
    return root;
}

std::vector<fs::path> sized_files(const FaceDataParameters& p) {
    std::vector<fs::path> files{"train/train.rec", "train/train.idx", "synthetic/train.rec", "synthetic/train.idx", kPlantedFile};
    if (p.expressions != 0)
        for (const char* set : kExpressionSets) files.push_back(fs::path(set) / "manifest.csv");
    return files;
}

ordered_json manifest_json(const fs::path& folder, const FaceDataParameters& parameters) {
    ordered_json root;
    root["format"] = "fairsweep procedural faces";
    root["parameters"] = parameters_json(parameters);
    root["test_images_per_identity"] = test_size(parameters).images;
    for (const fs::path& file : sized_files(parameters)) root["size_bytes"][file.string()] = fs::file_size(folder / file);
    return root;
}

[[noreturn]] void refuse_folder(const fs::path& folder, const std::string& found) {
    throw_usage({.attempted = "cannot make procedural faces",
                 .where = folder.string(),
                 .found = found,
                 .expected = "no such folder, an empty one, or the same data set",
                 .hint = "choose another --out, or remove that folder"});
}

/// True when the folder already is this data set; throws when it is something else.
bool is_finished(const fs::path& folder, const FaceDataParameters& parameters) {
    std::error_code problem;
    const fs::file_status status = fs::status(folder, problem);
    if (status.type() == fs::file_type::not_found) return false;
    if (!fs::is_directory(status)) refuse_folder(folder, "something that is not a folder");
    if (fs::is_empty(folder, problem)) return false;
    if (!fs::exists(folder / "manifest.json", problem)) refuse_folder(folder, "files that `fairsweep data make` did not write");
    const std::string text = read_text_file(folder / "manifest.json", 1U << 20U);
    if (json_depth(text) > kMaxJsonDepth) refuse_folder(folder, "a manifest.json that is not one of procedural faces");
    const ordered_json manifest = ordered_json::parse(text, nullptr, false);
    if (!manifest.is_object() || !manifest.contains("parameters") || !manifest.contains("size_bytes") ||
        !manifest["size_bytes"].is_object()) {
        refuse_folder(folder, "a manifest.json that is not one of procedural faces");
    }
    if (manifest["parameters"] != parameters_json(parameters))
        refuse_folder(folder, "procedural faces made with other parameters");
    for (const fs::path& file : sized_files(parameters)) {
        const std::uintmax_t size_bytes = fs::file_size(folder / file, problem);
        const auto written = manifest["size_bytes"].find(file.string());
        const bool same = written != manifest["size_bytes"].end() && *written == ordered_json(size_bytes);
        if (problem || !same) {
            throw_data({.attempted = "cannot use a finished data set",
                        .where = (folder / file).string(),
                        .found = problem ? "the file is missing" : fmt::format("{} bytes", size_bytes),
                        .expected = "the size in manifest.json",
                        .hint = "remove the folder and make it again"});
        }
    }
    return true;
}

/// Puts everything written so far onto the disk: one call instead of a sync per image.
void sync_file_system(const fs::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int result = descriptor < 0 ? -1 : ::syncfs(descriptor);
    const int error_number = errno;
    if (descriptor >= 0) ::close(descriptor);
    if (result != 0) {
        throw_infrastructure(
            {.attempted = "cannot write a data set to disk", .where = folder.string(), .found = describe_errno(error_number)});
    }
}

/// Empties what an interrupted run left, but for the lock.
void clear_partial(const fs::path& partial, const fs::path& lock) {
    for (const fs::directory_entry& entry : fs::directory_iterator(partial)) {
        if (entry.path() != lock) fs::remove_all(entry.path());
    }
}

void write_all(const fs::path& folder, const FaceDataParameters& p, unsigned threads, const MakeProgress& on_progress) {
    std::uint64_t done = 0;
    const std::uint64_t total = total_images(p);
    const auto count = [&](std::uint64_t images) { on_progress(done += images, total); };
    write_file_atomically(folder / kPlantedFile, planted_json(p.groups, p.seed));
    write_training_set(folder / "train", "train", p.groups, {p.identities, p.images}, p.seed, threads, count);
    write_training_set(folder / "synthetic", "synthetic", p.groups, {p.calibration_identities, p.calibration_images}, p.seed,
                       threads, count);
    write_verification_set(folder / "test", p.groups, test_size(p), p.pairs, p.seed, threads, count);
    if (p.expressions != 0)
        for (const char* set : kExpressionSets)
            write_expression_set(folder / set, set, p.groups, p.expressions, p.seed, threads, count);
    write_file_atomically(folder / "manifest.json", manifest_json(folder, p).dump(2) + "\n");
    sync_file_system(folder);
}

}  // namespace

void check_parameters(const FaceDataParameters& p) {
    check_range("--identities", p.identities, 1, 100000);
    check_range("--images", p.images, 1, 10000);
    check_range("--calibration-identities", p.calibration_identities, 1, 100000);
    check_range("--calibration-images", p.calibration_images, 1, 10000);
    check_range("--test-identities", p.test_identities, 2, 100000);
    check_range("--pairs", p.pairs, 2 * kFolds, 1000000);
    check_range("--expressions", p.expressions, 0, 100000);
    if (p.pairs % (2 * kFolds) != 0) {
        throw_usage({.attempted = "cannot make such a data set",
                     .where = "--pairs",
                     .found = std::to_string(p.pairs),
                     .expected = "a multiple of 20: ten folds, half of each genuine",
                     .hint = fmt::format("--pairs {}", p.pairs / (2 * kFolds) * (2 * kFolds) + 2 * kFolds)});
    }
    // Labels and keys are float32 in this format: exact below 2^24.
    const std::uint64_t largest =
        p.groups.size() * std::max(std::uint64_t{p.identities} * (p.images + 1ULL),
                                   std::uint64_t{p.calibration_identities} * (p.calibration_images + 1ULL));
    check_range("identities x images x groups", largest, 1, (1U << 24U) - 2);
}

std::uint64_t total_images(const FaceDataParameters& p) {
    const SetSize test = test_size(p);
    return p.groups.size() *
           (std::uint64_t{p.identities} * p.images + std::uint64_t{p.calibration_identities} * p.calibration_images +
            std::uint64_t{test.identities} * test.images + kExpressionSets.size() * kExpressions.size() * p.expressions);
}

MakeResult make_data(const fs::path& out, const FaceDataParameters& parameters, unsigned threads,
                     const MakeProgress& on_progress) {
    check_parameters(parameters);
    const fs::path folder = out.has_filename() ? out : out.parent_path();  // "faces/" is "faces"
    if (is_finished(folder, parameters)) return MakeResult::already_there;
    const fs::path partial = folder.string() + ".partial", lock_path = partial / "lock";
    make_writable_folder(partial);
    try {
        File lock = File::open_for_update(lock_path);
        if (!lock.try_lock()) refuse_folder(partial, "another process that is making this data set");
        if (is_finished(folder, parameters)) return MakeResult::already_there;  // by the process that had the lock
        clear_partial(partial, lock_path);
        write_all(partial, parameters, threads, on_progress);
        fs::remove(lock_path);
        fs::rename(partial, folder);
        sync_folder(folder.has_parent_path() ? folder.parent_path() : fs::path("."));
    } catch (const fs::filesystem_error& problem) {
        throw_infrastructure({.attempted = "cannot put a data set in its place",
                              .where = folder.string(),
                              .found = describe_errno(problem.code().value())});
    }
    return MakeResult::made;
}

}  // namespace fairsweep::faces
