#pragma once
/// Assertions for errors of the programmer. Never reachable by user input or file content.
/// CHECK is always on; DCHECK from check level 2 (presets ci, dev, asan); HEAVY_CHECK from level 3 (dev, asan).
#include <source_location>

namespace fairsweep {
[[noreturn]] void check_failed(const char* condition, const char* message,
                               std::source_location location = std::source_location::current());
}

#define FAIRSWEEP_CHECK(condition, message)                               \
    do {                                                                  \
        if (!(condition)) ::fairsweep::check_failed(#condition, message); \
    } while (false)
#if FAIRSWEEP_CHECK_LEVEL >= 2
#define FAIRSWEEP_DCHECK(condition, message) FAIRSWEEP_CHECK(condition, message)
#else
#define FAIRSWEEP_DCHECK(condition, message) static_cast<void>(0)
#endif
#if FAIRSWEEP_CHECK_LEVEL >= 3
#define FAIRSWEEP_HEAVY_CHECK(condition, message) FAIRSWEEP_CHECK(condition, message)
#else
#define FAIRSWEEP_HEAVY_CHECK(condition, message) static_cast<void>(0)
#endif
