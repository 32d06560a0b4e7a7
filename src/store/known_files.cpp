#include "store/known_files.hpp"

#include <fmt/format.h>

#include <optional>

#include "fairsweep/error.hpp"
#include "store/analysis_file.hpp"
#include "store/read_apart.hpp"
#include "store/store.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

constexpr double kNaming_s = 10.0;  // it only serves a message

struct KnownFormat {
    const char* format;
    const char* name;
};
constexpr KnownFormat kKnown[] = {{kStoreFormat, "a store"},
                                  {kShardFormat, "a score shard of a store"},
                                  {kAnalysisFormat, "an analysis file"},
                                  {kEmbeddingFormat, "an embedding file"}};

bool is_embedding_file(const FileIdentity& identity) {
    return identity.format == kEmbeddingFormat || (identity.format.empty() && identity.has_embeddings);
}

/// What is wrong with a file that has no seal, in words.
std::string unsealed_text(const std::optional<FileIdentity>& found, const std::string& format, std::uint64_t version) {
    if (!found) return "an HDF5 file without fairsweep's seal that HDF5 cannot read: it is truncated or damaged";
    const std::string name = description_of(*found);
    if (found->format != format) return name + ", without fairsweep's seal";
    if (found->version != version) return fmt::format("{} of version {}, without a seal", name, found->version);
    return name + " without its seal: it is truncated, or was changed by another program (h5py in mode r+, say)";
}

[[noreturn]] void throw_unsealed(const fs::path& path, const SealWords& words, const std::string& format, std::uint64_t version) {
    const std::optional<FileIdentity> found = identity_apart(path);
    std::string hint = words.mend;
    if (found && found->format != format) {
        const std::string advice = advice_for(*found, format, path);
        hint = advice.empty() ? "is the path right?" : advice;
    }
    throw_store({.attempted = fmt::format("cannot open {}", words.thing),
                 .where = path.string(),
                 .found = unsealed_text(found, format, version),
                 .expected = fmt::format("{} of version {} as fairsweep wrote it", words.thing, version),
                 .hint = hint});
}

}  // namespace

FileIdentity identity_in(const h5::Reader& file) {
    FileIdentity identity;
    try {
        if (file.has_attribute("/", "format")) identity.format = file.text_attribute("/", "format");
        if (file.has_attribute("/", "version")) identity.version = file.number_attribute("/", "version");
    } catch (const Error&) {  // attributes of that name, but of another type: not ours
    }
    identity.has_embeddings = file.has("/embeddings");
    return identity;
}

std::optional<FileIdentity> identity_apart(const fs::path& path) {
    try {
        ApartReader reader("identity", path, kNaming_s);
        FileIdentity identity;
        identity.format = reader.text();
        identity.version = reader.number();
        identity.has_embeddings = reader.number() != 0;
        reader.finish();
        return identity;
    } catch (const Error&) {  // it only serves to name the file: that it is not as it should be is reported anyway
        return std::nullopt;
    }
}

std::string description_of(const FileIdentity& identity) {
    for (const KnownFormat& known : kKnown)
        if (identity.format == known.format) return known.name;
    return is_embedding_file(identity) ? "an embedding file" : "an HDF5 file of somebody else";
}

std::string advice_for(const FileIdentity& found, const std::string& wanted_format, const fs::path& path) {
    if (found.format == wanted_format) return {};
    if (found.format == kStoreFormat)
        return fmt::format("make an analysis file of it first: fairsweep merge {} --output A.h5", path.string());
    if (found.format == kAnalysisFormat)
        return fmt::format(
            "it is for fairsweep analyze {0} and fairsweep report {0} --output R.html; give the store that it was "
            "merged from",
            path.string());
    if (found.format == kShardFormat) return "give the store itself: the .h5 file beside the folder that this one lies in";
    if (is_embedding_file(found))
        return fmt::format("it is for fairsweep evaluate --embeddings {} --pairs LIST...", path.string());
    return {};
}

void check_format(const h5::Reader& file, const char* format, std::uint64_t version) {
    const FileIdentity found = identity_in(file);
    std::string wanted = fmt::format("a file of format {}", format);
    for (const KnownFormat& known : kKnown)
        if (known.format == std::string(format)) wanted = known.name;
    if (found.format != format) {
        const std::string advice = advice_for(found, format, file.path());
        throw_store({.attempted = "this is another kind of file",
                     .where = file.path().string(),
                     .found = description_of(found),
                     .expected = wanted,
                     .hint = advice.empty() ? "is the path right?" : advice});
    }
    if (found.version != version) {
        throw_store({.attempted = fmt::format("cannot read {} of another version", wanted),
                     .where = file.path().string(),
                     .found = fmt::format("version {}", found.version),
                     .expected = fmt::format("version {}", version),
                     .hint = "use the fairsweep that wrote it"});
    }
}

h5::Reader open_analysis(const fs::path& path) {
    if (seal_state(path, kAnalysisWords) == SealState::unsealed)
        throw_unsealed(path, kAnalysisWords, kAnalysisFormat, kAnalysisVersion);
    h5::Reader file(path);
    check_format(file, kAnalysisFormat, kAnalysisVersion);
    return file;
}

h5::Reader open_sealed(const fs::path& path) {
    if (seal_state(path, kStoreWords) == SealState::unsealed) throw_unsealed(path, kStoreWords, kStoreFormat, kStoreVersion);
    return h5::Reader(path);
}

}  // namespace fairsweep
