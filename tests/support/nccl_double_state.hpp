#pragma once
/// What the two halves of the double share: everything under one lock.
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "support/nccl_double.hpp"

namespace fairsweep {

struct NcclHandle {};

namespace nccl_double {

struct Communicator;

/// One entry of a stream; `run` is true when it has ended.
struct Work {
    Communicator* owner = nullptr;  ///< null: of the device itself
    std::function<bool()> run;
};

struct Stream {
    int device = 0;
    std::deque<Work> work;
};

/// A collective call of all ranks, by its place in their order.
struct Meeting {
    struct Part {
        const std::byte* from = nullptr;
        std::byte* to = nullptr;
    };
    std::map<int, Part> parts;
    bool is_over = false;
};

/// What one unique id stands for.
struct World {
    int ranks = 0;
    std::set<int> come;
    int ended = 0;
    std::map<std::pair<int, int>, std::deque<std::vector<std::byte>>> mail;  // (from, to)
    std::map<int, Meeting> meetings;
    std::vector<std::string> order;  // what the first rank did as its n-th group
};

struct Call {
    enum class Kind { send, recv, all_gather, broadcast } kind;
    const std::byte* from = nullptr;
    std::byte* to = nullptr;
    std::size_t bytes = 0;
    int peer = 0;
    Stream* stream = nullptr;
};

struct Communicator : NcclHandle {
    World* world = nullptr;
    int rank = 0;
    int device = 0;
    int polls_left = 0;
    int groups = 0;
    bool is_alive = true;
    bool has_initialised = false;
    bool never_ends = false;
    NcclResult error = kNcclSuccess;
    std::vector<std::pair<Stream*, Work>> pending;  // enters its stream when the call is no longer in progress
};

struct State {
    std::mutex mutex;
    Faults faults;
    Counts counts;
    std::vector<std::string> breaches;
    std::map<std::string, World> worlds;
    std::list<Communicator> communicators;  // never freed, so that a late use is seen
    std::list<Stream> streams;
    std::map<void*, std::pair<int, std::vector<std::byte>>> memories;  // device and bytes
    std::deque<bool> events;                                           // kept, since work on a stream may still write one
    int ids = 0;
};

[[nodiscard]] State& state();
/// Moves every stream on as far as it goes.
void pump();
[[nodiscard]] bool has_work(const Communicator& communicator);
/// Whether something of NCCL on this device may wait for a peer: what frees device memory would wait with it.
[[nodiscard]] bool may_wait(int device);
[[nodiscard]] bool is_device_memory(const void* data);
[[nodiscard]] int device_of_this_thread();
[[nodiscard]] const DeviceCalls& device_calls();
/// Notes it; what the call then returns.
NcclResult breach(const std::string& what);

}  // namespace nccl_double
}  // namespace fairsweep
