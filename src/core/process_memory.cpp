#include "fairsweep/process_memory.hpp"

#include <malloc.h>

#include <fstream>
#include <string>

namespace fairsweep {

void keep_freed_memory() {
    // No block has a mapping of its own, however large (the threshold for that cannot be set above 32 MB), the heap never
    // shrinks, and all threads share it: a heap of a thread holds 64 MB at most, and larger blocks would be mapped again.
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_MAX, 0);
    ::mallopt(M_TRIM_THRESHOLD, -1);
}

void hand_back_freed_memory() { ::malloc_trim(0); }

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::uint64_t peak_memory_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (word != "VmHWM:") continue;
        std::uint64_t kilobytes = 0;
        status >> kilobytes;
        return kilobytes << 10;
    }
    return 0;
}

}  // namespace fairsweep
