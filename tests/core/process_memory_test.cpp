#include "fairsweep/process_memory.hpp"

#include <malloc.h>

#include <cstddef>
#include <fstream>
#include <vector>

#include "support/catch.hpp"

using namespace fairsweep;

TEST_CASE("Large blocks are freed into the heap and used again; a new peak begins when they are handed back") {
    constexpr std::size_t kBytes = 256 << 20;
    keep_freed_memory();
    const void* first = nullptr;
    {
        const std::vector<char> block(kBytes, 1);
        first = block.data();
        CHECK(::mallinfo2().hblks == 0);  // no mapping of its own
    }
    const std::size_t kept = ::mallinfo2().arena;
    CHECK(kept >= kBytes);
    {
        const std::vector<char> block(kBytes, 1);
        CHECK(block.data() == first);
    }
    CHECK(peak_memory_bytes() >= kBytes);
    hand_back_freed_memory();
    CHECK(::mallinfo2().arena < kept);
    if (!std::ofstream("/proc/self/clear_refs").is_open()) return;  // a kernel that does not let it be reset
    reset_peak_memory();
    CHECK(peak_memory_bytes() < kBytes);
}
