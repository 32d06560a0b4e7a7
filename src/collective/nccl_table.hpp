#pragma once
/// NCCL as a table of functions, found at run time: one program serves machines with and without it, and tests put a double in
/// its place. Nothing here needs a GPU.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collective/nccl_types.hpp"

namespace fairsweep {

/// Streams are opaque (cudaStream_t).
struct NcclTable {
    NcclResult (*get_version)(int* version) = nullptr;
    NcclResult (*get_unique_id)(NcclUniqueId* id) = nullptr;
    NcclResult (*init_rank_config)(NcclHandle** handle, int ranks, NcclUniqueId id, int rank, NcclConfig* config) = nullptr;
    NcclResult (*finalize)(NcclHandle* handle) = nullptr;
    NcclResult (*destroy)(NcclHandle* handle) = nullptr;
    NcclResult (*abort)(NcclHandle* handle) = nullptr;
    NcclResult (*get_async_error)(NcclHandle* handle, NcclResult* state) = nullptr;
    const char* (*get_error_string)(NcclResult result) = nullptr;
    const char* (*get_last_error)(NcclHandle* handle) = nullptr;
    NcclResult (*group_start)() = nullptr;
    NcclResult (*group_end)() = nullptr;
    NcclResult (*send)(const void* from, std::size_t count, int type, int peer, NcclHandle* handle, void* stream) = nullptr;
    NcclResult (*recv)(void* to, std::size_t count, int type, int peer, NcclHandle* handle, void* stream) = nullptr;
    NcclResult (*all_gather)(const void* part, void* all, std::size_t count, int type, NcclHandle* handle,
                             void* stream) = nullptr;
    NcclResult (*broadcast)(const void* from, void* to, std::size_t count, int type, int root, NcclHandle* handle,
                            void* stream) = nullptr;

    // Of later versions; null where the library has none. A team that lost a rank ends and gets a new lease, so nothing leans on
    // them; `fairsweep doctor` says whether they are there.
    NcclResult (*split)(NcclHandle* handle, int color, int key, NcclHandle** child, NcclConfig* config) = nullptr;  ///< 2.18
    NcclResult (*shrink)(NcclHandle* handle, int* excluded, int excluded_count, NcclHandle** child, NcclConfig* config,
                         int flags) = nullptr;                      ///< 2.27
    NcclResult (*revoke)(NcclHandle* handle, int flags) = nullptr;  ///< 2.28.9
};

/// The first version whose communicators can be made without blocking.
inline constexpr int kOldestNccl = 21400;

struct NcclLibrary {
    NcclTable table{};
    int version = 0;     ///< 22809 for 2.28.9
    std::string file{};  ///< where it was found
};

/// A library, or the reason why there is none: a machine without NCCL is nothing unusual.
struct OpenedNccl {
    std::optional<NcclLibrary> library{};
    std::string why_not{};
};

struct NcclSearch {
    std::string file{};                  ///< this file and no other (an option, or FAIRSWEEP_NCCL); empty: search
    std::vector<std::string> folders{};  ///< after the loader's own search: torch's wheels keep it in nvidia/nccl/lib
};

/// Where `run` and --version search: what FAIRSWEEP_NCCL names, else the loader's own places and /usr/local/cuda.
[[nodiscard]] NcclSearch usual_nccl();

/// Finds libnccl.so.2. It stays loaded until the process ends: it has threads of its own.
[[nodiscard]] OpenedNccl open_nccl(const NcclSearch& search);

/// Fills the table from a lookup of symbols, and asks for the version. `file` is for messages.
[[nodiscard]] OpenedNccl resolve_nccl(const std::function<void*(const char*)>& symbol, const std::string& file);

/// "2.28.9" for 22809.
[[nodiscard]] std::string nccl_version_text(int version);

}  // namespace fairsweep
