#include "collective/nccl_table.hpp"

#include <cstdlib>

#include "fairsweep/files.hpp"
#include "support/catch.hpp"
#include "support/nccl_double.hpp"

namespace fairsweep {
namespace {

std::string why_not(const nccl_double::Faults& faults) {
    nccl_double::reset(faults);
    const OpenedNccl opened = resolve_nccl(nccl_double::symbol, "/some/libnccl.so.2");
    CHECK_FALSE(opened.library);
    return opened.why_not;
}

TEST_CASE("NCCL's table: the functions of a library that has what is needed") {
    nccl_double::reset();
    const OpenedNccl opened = resolve_nccl(nccl_double::symbol, "/some/libnccl.so.2");
    REQUIRE(opened.library);
    CHECK(opened.library->version == 22809);
    CHECK(opened.library->file == "/some/libnccl.so.2");
    CHECK(opened.library->table.all_gather == nccl_double::context().nccl.all_gather);
    CHECK(opened.library->table.split == nullptr);  // a later call that the double has not
}

TEST_CASE("NCCL's table: a library that does not serve says which file, which function, which version") {
    CHECK(why_not({.missing_symbol = "ncclCommAbort"}) == "/some/libnccl.so.2 (NCCL 2.28.9) has no ncclCommAbort");
    CHECK(why_not({.missing_symbol = "ncclGetVersion"}) == "/some/libnccl.so.2 has no ncclGetVersion: it is no NCCL");
    CHECK(why_not({.version = 21304}) == "/some/libnccl.so.2 is NCCL 2.13.4; 2.14.0 or later is needed");
    for (const char* name : {"ncclGetUniqueId", "ncclCommInitRankConfig", "ncclCommFinalize", "ncclCommDestroy",
                             "ncclCommGetAsyncError", "ncclGetErrorString", "ncclGetLastError", "ncclGroupStart", "ncclGroupEnd",
                             "ncclSend", "ncclRecv", "ncclAllGather", "ncclBroadcast"}) {
        CHECK_THAT(why_not({.missing_symbol = name}), ContainsSubstring(name));
    }
}

TEST_CASE("NCCL's table: files that are none") {
    CHECK_THAT(open_nccl({.file = "/nowhere/libnccl.so.2"}).why_not, ContainsSubstring("/nowhere/libnccl.so.2: cannot open"));
    const std::string text = std::string(std::getenv("FAIRSWEEP_TEST_TMP")) + "/libnccl.so.2";
    write_file_atomically(text, "not a library");
    CHECK_THAT(open_nccl({.file = text}).why_not, ContainsSubstring(text));
    CHECK_THAT(open_nccl({.file = "libm.so.6"}).why_not, ContainsSubstring("has no ncclGetVersion: it is no NCCL"));
}

}  // namespace
}  // namespace fairsweep
