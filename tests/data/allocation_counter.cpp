#include "allocation_counter.hpp"

#include <cstdlib>
#include <new>

// In a file of its own: inlined into the code that allocates, GCC takes the pair of new and free for a mistake.
namespace fairsweep::fixture {
std::atomic<std::size_t> largest_allocation_bytes{0};
}

namespace {
void* counted(std::size_t size) noexcept {
    std::atomic<std::size_t>& counter = fairsweep::fixture::largest_allocation_bytes;
    std::size_t largest = counter;
    while (size > largest && !counter.compare_exchange_weak(largest, size)) {
    }
    return std::malloc(size == 0 ? 1 : size);
}
}  // namespace

void* operator new(std::size_t size) {
    if (void* memory = counted(size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
