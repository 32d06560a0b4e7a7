#include "support/nccl_double.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "support/nccl_double_state.hpp"

namespace fairsweep::nccl_double {
namespace {

/// The open group of this thread.
struct Group {
    bool is_open = false;
    std::vector<std::pair<Communicator*, Call>> calls;
    std::vector<Communicator*> aborts;
};
thread_local Group group;
thread_local std::string last_error;

NcclResult fail(NcclResult code, const std::string& why) {
    last_error = why;
    return code;
}
NcclResult fine() { return state().faults.in_progress_polls > 0 ? kNcclInProgress : kNcclSuccess; }
bool is_of(const std::optional<FaultOf>& fault, int rank) { return fault && fault->rank == rank; }

Communicator* find(NcclHandle* handle) {
    for (Communicator& one : state().communicators)
        if (&one == handle) return &one;
    return nullptr;
}

/// Null and a breach where a call may not come now.
Communicator* usable(NcclHandle* handle, const char* call) {
    Communicator* one = find(handle);
    if (one == nullptr || !one->is_alive) {
        breach(std::string(call) + ": a communicator that has ended");
        return nullptr;
    }
    if (!one->has_initialised || one->polls_left > 0 || !one->pending.empty()) {
        breach(std::string(call) + ": the communicator is in progress");
        return nullptr;
    }
    return one;
}

/// One poll; what a call has left pending enters the streams when it is no longer in progress.
NcclResult poll(Communicator& one) {
    State& all = state();
    if (one.error != kNcclSuccess) return one.error;
    if (is_of(all.faults.init_fails_later, one.rank) && !one.has_initialised) {
        return one.error = fail(all.faults.init_fails_later->code, "the double's initialisation fails");
    }
    if (is_of(all.faults.fails_later, one.rank) && one.groups > all.faults.fails_later->after_groups) {
        one.never_ends = true;
        return one.error = fail(all.faults.fails_later->code, "the double's asynchronous error");
    }
    if (one.polls_left > 0 && --one.polls_left > 0) return kNcclInProgress;
    if (static_cast<int>(one.world->come.size()) < one.world->ranks) return kNcclInProgress;
    one.has_initialised = true;
    for (auto& [stream, work] : one.pending) stream->work.push_back(std::move(work));
    one.pending.clear();
    pump();
    return kNcclSuccess;
}

/// Nobody is left to read what one sent.
void leave(World& world) {
    if (++world.ended < world.ranks) return;
    world.mail.clear();
    world.meetings.clear();
}

// The functions of NCCL.

NcclResult get_version(int* version) {
    *version = state().faults.version;
    return kNcclSuccess;
}

NcclResult get_unique_id(NcclUniqueId* id) {
    const std::lock_guard lock(state().mutex);
    *id = {};
    const std::string text = "double " + std::to_string(++state().ids);
    std::copy(text.begin(), text.end(), id->internal);
    state().worlds[text] = {};
    return kNcclSuccess;
}

NcclResult init_rank_config(NcclHandle** handle, int ranks, NcclUniqueId id, int rank, NcclConfig* config) {
    State& all = state();
    const std::lock_guard lock(all.mutex);
    *handle = nullptr;
    if (config == nullptr || config->magic != 0xcafebeef || config->blocking != 0) return breach("init: it would block");
    if (is_of(all.faults.init_refuses, rank)) return fail(all.faults.init_refuses->code, "the double refuses");
    const auto world = all.worlds.find(id.internal);
    if (world == all.worlds.end()) return breach("init: an id that nobody made");
    if (world->second.ranks == 0) world->second.ranks = ranks;
    if (world->second.ranks != ranks || rank >= ranks) return breach("init: teams of different sizes");
    if (!world->second.come.insert(rank).second) return breach("init: a unique id is used a second time");
    Communicator& one = all.communicators.emplace_back();
    one.world = &world->second;
    one.rank = rank;
    one.device = device_of_this_thread();
    one.polls_left = all.faults.in_progress_polls;
    *handle = &one;
    ++all.counts.initialised;
    return kNcclInProgress;  // the others have to come
}

NcclResult get_async_error(NcclHandle* handle, NcclResult* result) {
    const std::lock_guard lock(state().mutex);
    Communicator* one = find(handle);
    if (one == nullptr || !one->is_alive) return breach("ncclCommGetAsyncError: a communicator that has ended");
    *result = poll(*one);
    pump();
    return kNcclSuccess;
}

const char* get_error_string(NcclResult result) {
    constexpr const char* kTexts[] = {"no error",         "unhandled cuda error", "unhandled system error", "internal error",
                                      "invalid argument", "invalid usage",        "remote process exited",  "in progress"};
    return kTexts[result];
}
const char* get_last_error(NcclHandle*) { return last_error.c_str(); }

NcclResult finalize(NcclHandle* handle) {
    const std::lock_guard lock(state().mutex);
    Communicator* one = usable(handle, "ncclCommFinalize");
    if (one == nullptr) return kNcclInvalidUsage;
    one->polls_left = state().faults.in_progress_polls;
    return fine();
}

NcclResult destroy(NcclHandle* handle) {
    const std::lock_guard lock(state().mutex);
    Communicator* one = usable(handle, "ncclCommDestroy");
    if (one == nullptr) return kNcclInvalidUsage;
    if (has_work(*one)) return breach("ncclCommDestroy: it would wait for operations under way");
    one->is_alive = false;
    leave(*one->world);
    ++state().counts.ended_in_order;
    return kNcclSuccess;
}

/// Tells its kernels to leave.
void stop(Communicator& one) {
    one.is_alive = false;
    one.pending.clear();
    for (auto& [number, meeting] : one.world->meetings)
        if (!meeting.is_over) meeting.parts.erase(one.rank);  // its memory may go now
    leave(*one.world);
    for (Stream& stream : state().streams) std::erase_if(stream.work, [&](const Work& work) { return work.owner == &one; });
    ++state().counts.aborted;
}

void free_after_abort(const Communicator& one) {
    if (may_wait(one.device)) breach("ncclCommAbort: freeing waits for another communicator of this device");
    pump();
}

NcclResult abort(NcclHandle* handle) {
    const std::lock_guard lock(state().mutex);
    Communicator* one = find(handle);
    if (one == nullptr || !one->is_alive) return breach("ncclCommAbort: a communicator that has ended");
    if (is_of(state().faults.abort_fails, one->rank)) {
        one->is_alive = false;
        one->never_ends = true;
        return fail(state().faults.abort_fails->code, "the double's abort fails");
    }
    stop(*one);
    if (group.is_open) {
        group.aborts.push_back(one);
    } else {
        free_after_abort(*one);
    }
    return fine();
}

NcclResult group_start() {
    const std::lock_guard lock(state().mutex);
    if (group.is_open) return breach("ncclGroupStart: a group is open");
    group.is_open = true;
    return fine();
}

NcclResult add(NcclHandle* handle, const char* name, int type, const Call& call) {
    const std::lock_guard lock(state().mutex);
    if (!group.is_open) return breach(std::string(name) + ": outside of a group it may block");
    Communicator* one = usable(handle, name);
    if (one == nullptr) return kNcclInvalidArgument;
    if (type != kNcclUint8 || call.bytes == 0)
        return breach(std::string(name) + ": bytes, and not none, are what this double moves");
    for (const void* memory : {static_cast<const void*>(call.from), static_cast<const void*>(call.to)})
        if (memory != nullptr && !is_device_memory(memory))
            return breach(std::string(name) + ": memory that is not the device's");
    group.calls.emplace_back(one, call);
    return fine();
}

NcclResult send(const void* from, std::size_t count, int type, int peer, NcclHandle* handle, void* stream) {
    return add(handle, "ncclSend", type,
               {Call::Kind::send, static_cast<const std::byte*>(from), nullptr, count, peer, static_cast<Stream*>(stream)});
}
NcclResult recv(void* to, std::size_t count, int type, int peer, NcclHandle* handle, void* stream) {
    return add(handle, "ncclRecv", type,
               {Call::Kind::recv, nullptr, static_cast<std::byte*>(to), count, peer, static_cast<Stream*>(stream)});
}
NcclResult all_gather(const void* part, void* to, std::size_t count, int type, NcclHandle* handle, void* stream) {
    return add(handle, "ncclAllGather", type,
               {Call::Kind::all_gather, static_cast<const std::byte*>(part), static_cast<std::byte*>(to), count, 0,
                static_cast<Stream*>(stream)});
}
NcclResult broadcast(const void* from, void* to, std::size_t count, int type, int root, NcclHandle* handle, void* stream) {
    return add(handle, "ncclBroadcast", type,
               {Call::Kind::broadcast, static_cast<const std::byte*>(from), static_cast<std::byte*>(to), count, root,
                static_cast<Stream*>(stream)});
}

/// Sends at once, then receives what has come; ends when all has.
Work point_to_point(Communicator& one, std::vector<Call> calls) {
    auto open = std::make_shared<std::vector<Call>>(std::move(calls));
    return {&one, [&one, open] {
                std::erase_if(*open, [&](const Call& call) {
                    if (call.kind == Call::Kind::send) {
                        one.world->mail[{one.rank, call.peer}].emplace_back(call.from, call.from + call.bytes);
                        return true;
                    }
                    auto& box = one.world->mail[{call.peer, one.rank}];
                    if (box.empty()) return false;
                    if (box.front().size() != call.bytes) breach("ncclRecv: another length than was sent");
                    std::memcpy(call.to, box.front().data(), std::min(call.bytes, box.front().size()));
                    box.pop_front();
                    return true;
                });
                return open->empty();
            }};
}

/// The last that comes moves the bytes of all.
void hold(const World& world, Meeting& meeting, const Call& call) {
    std::vector<std::byte> bytes;
    for (int rank = 0; rank < world.ranks; ++rank) {
        if (call.kind == Call::Kind::broadcast && rank != call.peer) continue;
        const std::byte* from = meeting.parts.at(rank).from;
        bytes.insert(bytes.end(), from, from + call.bytes);
    }
    for (const auto& [rank, part] : meeting.parts) std::memcpy(part.to, bytes.data(), bytes.size());
    meeting.is_over = true;
}

Work collective(Communicator& one, const Call& call, int number) {
    return {&one, [&one, call, number] {
                Meeting& meeting = one.world->meetings[number];
                meeting.parts[one.rank] = {call.from, call.to};
                if (!meeting.is_over && static_cast<int>(meeting.parts.size()) == one.world->ranks)
                    hold(*one.world, meeting, call);
                return meeting.is_over;
            }};
}

/// All ranks must do the same in the same order: the real NCCL would hang.
NcclResult check_order(Communicator& one, const Call& first, bool is_point_to_point) {
    const std::string bytes = std::to_string(first.bytes) + " bytes";
    const std::string what = is_point_to_point ? "sends and receives"
                             : first.kind == Call::Kind::all_gather
                                 ? "gathers " + bytes
                                 : "broadcasts " + bytes + " from " + std::to_string(first.peer);
    auto& order = one.world->order;
    const auto number = static_cast<std::size_t>(one.groups);
    if (number == order.size()) order.push_back(what);
    if (order[number] == what) return kNcclSuccess;
    return one.error = breach("group " + std::to_string(number) + ": rank " + std::to_string(one.rank) + " " + what +
                              ", another " + order[number]);
}

NcclResult launch(Communicator& one, std::vector<Call> calls) {
    State& all = state();
    if (is_of(all.faults.group_end_fails, one.rank)) return fail(all.faults.group_end_fails->code, "the double's group fails");
    const bool is_point_to_point = calls.front().kind == Call::Kind::send || calls.front().kind == Call::Kind::recv;
    if (!is_point_to_point && calls.size() != 1) return breach("ncclGroupEnd: this double takes one collective a group");
    if (const NcclResult result = check_order(one, calls.front(), is_point_to_point); result != kNcclSuccess) return result;
    Stream* stream = calls.front().stream;
    const Call first = calls.front();
    Work work = is_point_to_point ? point_to_point(one, std::move(calls)) : collective(one, first, one.groups);
    ++one.groups;
    ++all.counts.groups;
    one.pending.emplace_back(stream, std::move(work));
    one.polls_left = all.faults.in_progress_polls;
    if (one.polls_left > 0) return kNcclInProgress;
    const NcclResult result = poll(one);
    return result == kNcclSuccess ? kNcclSuccess : kNcclInProgress;  // an asynchronous error comes out of a poll
}

NcclResult group_end() {
    const std::lock_guard lock(state().mutex);
    if (!group.is_open) return breach("ncclGroupEnd: no group is open");
    const Group ended = std::exchange(group, {});
    for (const Communicator* one : ended.aborts) free_after_abort(*one);
    if (ended.calls.empty()) return fine();
    std::vector<Call> calls;
    for (const auto& [one, call] : ended.calls) {
        if (one != ended.calls.front().first) return breach("ncclGroupEnd: calls of several communicators");
        calls.push_back(call);
    }
    Communicator* one = ended.calls.front().first;
    return one->is_alive ? launch(*one, calls) : fail(kNcclInvalidUsage, "it was aborted");
}

const NcclTable kNccl{
    .get_version = get_version,
    .get_unique_id = get_unique_id,
    .init_rank_config = init_rank_config,
    .finalize = finalize,
    .destroy = destroy,
    .abort = abort,
    .get_async_error = get_async_error,
    .get_error_string = get_error_string,
    .get_last_error = get_last_error,
    .group_start = group_start,
    .group_end = group_end,
    .send = send,
    .recv = recv,
    .all_gather = all_gather,
    .broadcast = broadcast,
};

template <class Function>
void* pointer(Function* function) {
    return reinterpret_cast<void*>(function);
}

}  // namespace

NcclResult breach(const std::string& what) {
    state().breaches.push_back(what);
    return fail(kNcclInvalidUsage, what);
}

void reset(const Faults& faults) {
    State& all = state();
    const std::lock_guard lock(all.mutex);
    all.faults = faults;
    all.counts = {};
    all.breaches.clear();
    all.streams.clear();
    all.communicators.clear();
    all.worlds.clear();
    all.memories.clear();
    all.events.clear();
}

void set_in_progress_polls(int polls) {
    const std::lock_guard lock(state().mutex);
    state().faults.in_progress_polls = polls;
}

NcclContext context() { return {.nccl = kNccl, .device = device_calls()}; }

void* symbol(const char* name) {
    static const std::map<std::string, void*> kSymbols{
        {"ncclGetVersion", pointer(get_version)},
        {"ncclGetUniqueId", pointer(get_unique_id)},
        {"ncclCommInitRankConfig", pointer(init_rank_config)},
        {"ncclCommFinalize", pointer(finalize)},
        {"ncclCommDestroy", pointer(destroy)},
        {"ncclCommAbort", pointer(abort)},
        {"ncclCommGetAsyncError", pointer(get_async_error)},
        {"ncclGetErrorString", pointer(get_error_string)},
        {"ncclGetLastError", pointer(get_last_error)},
        {"ncclGroupStart", pointer(group_start)},
        {"ncclGroupEnd", pointer(group_end)},
        {"ncclSend", pointer(send)},
        {"ncclRecv", pointer(recv)},
        {"ncclAllGather", pointer(all_gather)},
        {"ncclBroadcast", pointer(broadcast)},
    };
    const auto place = kSymbols.find(name);
    return place == kSymbols.end() || state().faults.missing_symbol == name ? nullptr : place->second;
}

std::vector<std::string> take_breaches() {
    const std::lock_guard lock(state().mutex);
    return std::exchange(state().breaches, {});
}

Counts counts() {
    const std::lock_guard lock(state().mutex);
    return state().counts;
}
}  // namespace fairsweep::nccl_double
