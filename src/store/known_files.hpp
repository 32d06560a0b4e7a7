#pragma once
/// Which of fairsweep's HDF5 files a file is, for people who gave the wrong one: what it says itself, and the command that
/// takes it.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "store/h5.hpp"
#include "store/seal.hpp"

namespace fairsweep {

inline constexpr const char* kStoreFormat = "fairsweep-store";
inline constexpr const char* kShardFormat = "fairsweep-scores";
inline constexpr const char* kAnalysisFormat = "fairsweep-analysis";
inline constexpr const char* kEmbeddingFormat = "fairsweep-embeddings";

inline constexpr SealWords kStoreWords{"a store or score shard", "copy it back from where it was whole"};
inline constexpr SealWords kAnalysisWords{"an analysis file",
                                          "make it again from its stores: fairsweep merge STORE... --output A.h5, then fairsweep "
                                          "analyze A.h5 (to add datasets of your own, change a copy)"};
inline constexpr SealWords kEmbeddingWords{"an embedding file", "make it again with fairsweep embed"};

/// What a file says of itself.
struct FileIdentity {
    std::string format;  ///< empty: no such attribute
    std::uint64_t version = 0;
    bool has_embeddings = false;  ///< a dataset of that name
};

[[nodiscard]] FileIdentity identity_in(const h5::Reader& file);
/// The same of a file that is not known to be ours: read in another process (read_apart.hpp). Nothing when HDF5 cannot.
[[nodiscard]] std::optional<FileIdentity> identity_apart(const std::filesystem::path& path);

/// "a store", "an analysis file" ...; "an HDF5 file of somebody else".
[[nodiscard]] std::string description_of(const FileIdentity& identity);
/// What to do with a file that is `found` where one of `wanted_format` was asked for; empty when nothing is known.
[[nodiscard]] std::string advice_for(const FileIdentity& found, const std::string& wanted_format,
                                     const std::filesystem::path& path);

/// Throws a store error unless the file says it is of this format and version.
void check_format(const h5::Reader& file, const char* format, std::uint64_t version);

/// Opens an analysis file after its seal held. Throws a store error; one without a seal is named for what it is.
[[nodiscard]] h5::Reader open_analysis(const std::filesystem::path& path);
/// Opens a store or a score shard after its seal held. Throws a store error.
[[nodiscard]] h5::Reader open_sealed(const std::filesystem::path& path);

}  // namespace fairsweep
