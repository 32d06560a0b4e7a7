#include "collective/nccl_table.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>

namespace fairsweep {
namespace {

constexpr const char* kFileName = "libnccl.so.2";

OpenedNccl no_library(std::string why) { return {.library = std::nullopt, .why_not = std::move(why)}; }

/// The file that a symbol came from: the loader's search says only that it found one.
std::string file_of(void* symbol, const std::string& otherwise) {
    Dl_info info{};
    return symbol != nullptr && dladdr(symbol, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : otherwise;
}

/// Opens one file; its reason goes to `tried` where that fails.
OpenedNccl open_file(const std::string& file, std::string& tried) {
    // RTLD_LOCAL: torch may bring an NCCL of its own, and neither shall take the other's symbols.
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* reason = dlerror();
        tried += fmt::format("{}{}", tried.empty() ? "" : "; ", reason != nullptr ? reason : file);
        return no_library("");
    }
    return resolve_nccl([library](const char* name) { return dlsym(library, name); },
                        file_of(dlsym(library, "ncclGetVersion"), file));
}

}  // namespace

std::string nccl_version_text(int version) {
    return fmt::format("{}.{}.{}", version / 10'000, version / 100 % 100, version % 100);
}

OpenedNccl resolve_nccl(const std::function<void*(const char*)>& symbol, const std::string& file) {
    NcclLibrary library{.file = file};
    NcclTable& table = library.table;
    std::string missing;
    const auto optional = [&]<class Function>(Function*& place, const char* name) {
        place = reinterpret_cast<Function*>(symbol(name));
        return place != nullptr;
    };
    const auto needed = [&](auto& place, const char* name) {
        if (!optional(place, name) && missing.empty()) missing = name;
    };
    needed(table.get_version, "ncclGetVersion");
    if (!missing.empty()) return no_library(fmt::format("{} has no {}: it is no NCCL", file, missing));
    if (const NcclResult result = table.get_version(&library.version); result != kNcclSuccess) {
        return no_library(fmt::format("{}: ncclGetVersion says {}", file, result));
    }
    if (library.version < kOldestNccl) {
        return no_library(fmt::format("{} is NCCL {}; {} or later is needed", file, nccl_version_text(library.version),
                                      nccl_version_text(kOldestNccl)));
    }
    needed(table.get_unique_id, "ncclGetUniqueId");
    needed(table.init_rank_config, "ncclCommInitRankConfig");
    needed(table.finalize, "ncclCommFinalize");
    needed(table.destroy, "ncclCommDestroy");
    needed(table.abort, "ncclCommAbort");
    needed(table.get_async_error, "ncclCommGetAsyncError");
    needed(table.get_error_string, "ncclGetErrorString");
    needed(table.get_last_error, "ncclGetLastError");
    needed(table.group_start, "ncclGroupStart");
    needed(table.group_end, "ncclGroupEnd");
    needed(table.send, "ncclSend");
    needed(table.recv, "ncclRecv");
    needed(table.all_gather, "ncclAllGather");
    needed(table.broadcast, "ncclBroadcast");
    optional(table.split, "ncclCommSplit");
    optional(table.shrink, "ncclCommShrink");
    optional(table.revoke, "ncclCommRevoke");
    if (missing.empty()) return {.library = std::move(library), .why_not = ""};
    return no_library(fmt::format("{} (NCCL {}) has no {}", file, nccl_version_text(library.version), missing));
}

NcclSearch usual_nccl() {
    const char* const named = std::getenv("FAIRSWEEP_NCCL");
    return {.file = named != nullptr ? named : "", .folders = {"/usr/local/cuda/lib64", "/usr/local/cuda/lib"}};
}

OpenedNccl open_nccl(const NcclSearch& search) {
    std::vector<std::string> files{search.file};
    if (search.file.empty()) {
        files = {kFileName};  // a name without a folder: the loader searches
        for (const std::string& folder : search.folders) files.push_back(folder + "/" + kFileName);
    }
    std::string tried;
    for (const std::string& file : files) {
        OpenedNccl opened = open_file(file, tried);
        // A library that is there and does not serve is told, not passed over: the next one found might be another's.
        if (opened.library || !opened.why_not.empty()) return opened;
    }
    return no_library("no NCCL was found: " + tried);
}

}  // namespace fairsweep
