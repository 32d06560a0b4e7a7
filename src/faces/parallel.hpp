#pragma once
/// Work on many items with a few threads, results taken in order: what is written never depends on thread timing.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace fairsweep::faces {

/// Calls make(i) for 0 <= i < count from `threads` threads, and take(i, bytes) for the results in order, from the calling
/// thread. At most a few hundred results are held. The first exception ends the work and is thrown again here.
void make_in_order(std::uint64_t count, unsigned threads, const std::function<std::vector<std::byte>(std::uint64_t)>& make,
                   const std::function<void(std::uint64_t, const std::vector<std::byte>&)>& take);

}  // namespace fairsweep::faces
