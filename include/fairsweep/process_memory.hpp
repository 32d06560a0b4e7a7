#pragma once
/// Memory of this process. Linux and glibc.
#include <cstdint>

namespace fairsweep {

/// Freed memory stays with the process until hand_back_freed_memory(). Activations of a training step are some MB to some hundred
/// MB each and come and go hundreds of times; handing their pages back and fetching them again costs a page fault per 4 kB. Call
/// it first in main(): threads that exist already keep heaps of their own.
void keep_freed_memory();

/// Between two pieces of work: what is free goes back to the kernel.
void hand_back_freed_memory();

/// Makes the kernel count the peak anew; where that is not allowed the peak is that of the process so far.
void reset_peak_memory();
/// Largest resident size since the process began or since reset_peak_memory(); 0 where the kernel does not tell.
[[nodiscard]] std::uint64_t peak_memory_bytes();

}  // namespace fairsweep
