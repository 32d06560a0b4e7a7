/// The real NCCL, where it is installed: as far as one gets without a GPU. Where there is none, ctest shows the test as skipped.
#include <dlfcn.h>

#include <cstdlib>
#include <iostream>

#include "collective/nccl.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"
#include "support/nccl_double.hpp"

namespace fairsweep {
namespace {

/// FAIRSWEEP_NCCL, else what the loader finds, else CUDA's own folders.
const OpenedNccl& real() {
    static const OpenedNccl opened = [] {
        const char* file = std::getenv("FAIRSWEEP_NCCL");
        return open_nccl({.file = file != nullptr ? file : "", .folders = {"/usr/local/cuda/lib64", "/usr/local/cuda/lib"}});
    }();
    return opened;
}

/// Counts the cases that could not run, so that none is green without a word.
bool skip(bool is_skipped, const std::string& why) {
    static int skipped = 0;
    if (is_skipped) std::cout << "SKIPPED " << ++skipped << ": " << why << '\n';
    return is_skipped;
}

bool has_driver() { return dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) != nullptr; }

TEST_CASE("The real NCCL: its functions are found, and it says its version") {
    if (skip(!real().library, real().why_not)) return;
    const NcclLibrary& library = *real().library;
    std::cout << "NCCL " << nccl_version_text(library.version) << " in " << library.file << '\n';
    CHECK(library.version >= kOldestNccl);
    CHECK_THAT(library.file, ContainsSubstring("libnccl.so"));
    CHECK((library.table.split != nullptr) == (library.version >= 21801));
    CHECK((library.table.shrink != nullptr) == (library.version >= 22703));
    CHECK((library.table.revoke != nullptr) == (library.version >= 22809));
    CHECK(std::string(library.table.get_error_string(kNcclInvalidUsage)).find("invalid usage") != std::string::npos);
}

TEST_CASE("The real NCCL: it makes unique ids, each another one") {
    if (skip(!real().library, real().why_not)) return;
    CHECK(make_unique_id(real().library->table) != make_unique_id(real().library->table));
}

TEST_CASE("The real NCCL: a group may be empty") {
    if (skip(!real().library, real().why_not)) return;
    CHECK(real().library->table.group_start() == kNcclSuccess);
    CHECK(real().library->table.group_end() == kNcclSuccess);
}

TEST_CASE("The real NCCL: without a driver a team fails with NCCL's own reason") {
    if (skip(!real().library, real().why_not)) return;
    if (skip(has_driver(), "there is a driver: NCCL would not fail")) return;
    nccl_double::reset();
    const NcclContext context{.nccl = real().library->table, .device = nccl_double::context().device};
    CommunicatorCache cache(context);
    const auto team = make_nccl(cache, context, {.ranks = {0}, .rank = 0}, {.hand_out = [](const NcclUniqueId&) {}});
    std::string why;
    try {
        wait(*team, team->barrier(), 60, [] { return true; });
    } catch (const Error& error) {
        why = error.what();
    }
    std::cout << why << '\n';
    CHECK_THAT(why, ContainsSubstring("ncclCommInitRankConfig"));
    CHECK_THAT(why, ContainsSubstring("(1)"));
    CHECK_THAT(why, ContainsSubstring("CUDA driver version is insufficient"));
    CHECK(nccl_double::counts().streams_alive == 0);
}

}  // namespace
}  // namespace fairsweep
