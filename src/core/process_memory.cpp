#include "fairsweep/process_memory.hpp"

#include <malloc.h>

#include <fstream>
#include <string>

namespace fairsweep {

void keep_freed_memory() {
    // No block has a mapping of its own, however large (the threshold for that cannot be set above 32 MB), and the heap never
    // shrinks.
    ::mallopt(M_MMAP_MAX, 0);
    ::mallopt(M_TRIM_THRESHOLD, -1);
}

void reset_peak_memory() {
    ::malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";
}

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
