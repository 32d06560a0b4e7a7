#pragma once
/// NCCL and a device on the host's memory, for machines without a GPU. Ranks are threads of the test; streams are queues that
/// move on whenever anything of it is called; real bytes go between ranks. It holds its caller to the rules of the real ones:
/// every breach is noted (nccl_double::breaches), and fails the call where the real one would.
///
/// What it cannot show: whether CUDA and NCCL keep those rules as their documents and sources say.
#include <optional>
#include <string>
#include <vector>

#include "collective/communicator_cache.hpp"

namespace fairsweep::nccl_double {

/// A fault of one rank.
struct FaultOf {
    int rank = 0;
    NcclResult code = kNcclSystemError;
    int after_groups = 0;  ///< asynchronous: once this many groups of calls have ended
};

struct Faults {
    int in_progress_polls = 0;                  ///< every call says "in progress", and the communicator stays so this long
    std::optional<FaultOf> init_refuses{};      ///< ncclCommInitRankConfig itself fails, without a communicator
    std::optional<FaultOf> init_fails_later{};  ///< the initialisation fails while it is polled
    std::optional<FaultOf> fails_later{};       ///< an asynchronous error: nothing of this rank ends any more
    std::optional<FaultOf> abort_fails{};       ///< and what is queued stays there for ever
    std::optional<FaultOf> group_end_fails{};   ///< ncclGroupEnd itself
    std::string missing_symbol{};
    int version = 22809;
    int device_copy_fails = 0;  ///< the error of every copy
};

/// Forgets everything, and begins with these faults.
void reset(const Faults& faults = {});
/// Changes that one fault alone, while everything goes on.
void set_in_progress_polls(int polls);

/// Both tables; also by name, as dlsym would.
[[nodiscard]] NcclContext context();
[[nodiscard]] void* symbol(const char* name);

/// What this thread makes from now on (communicators, streams, memory) is of this device. A thread has one of its own otherwise.
void use_device(int device);

/// Rules that were broken since the last reset or call; empty when all were kept.
[[nodiscard]] std::vector<std::string> take_breaches();

struct Counts {
    int initialised = 0;
    int ended_in_order = 0;
    int aborted = 0;
    int groups = 0;
    int streams_alive = 0;
    int events_alive = 0;
    int memories_alive = 0;
};
[[nodiscard]] Counts counts();

/// Memory of somebody else's device counts as the device's from now on.
void add_device_memory(const void* begin, std::size_t bytes);

/// Device memory of the test's own.
class Memory {
public:
    explicit Memory(std::size_t bytes);
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory();
    [[nodiscard]] void* data() const { return data_; }

private:
    void* data_ = nullptr;
};

}  // namespace fairsweep::nccl_double
