#pragma once
/// The largest single piece of memory that operator new gave in this program since the value was last set to 0.
#include <atomic>
#include <cstddef>

namespace fairsweep::fixture {
extern std::atomic<std::size_t> largest_allocation_bytes;
}
