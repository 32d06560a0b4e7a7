// The device of the double: streams, events, memory.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "collective/tree_sum.hpp"
#include "support/nccl_double_state.hpp"

namespace fairsweep::nccl_double {
namespace {

constexpr int kDeviceError = 719;

std::atomic<int> devices = 0;
thread_local int device_of_thread = ++devices;  // a thread is a rank, unless it says otherwise

const char* device_error_text(int) { return "the double's device error"; }

int stream_create(void** stream) {
    const std::lock_guard lock(state().mutex);
    *stream = &state().streams.emplace_back(Stream{device_of_thread, {}});
    ++state().counts.streams_alive;
    return 0;
}
int stream_destroy(void* stream) {
    const std::lock_guard lock(state().mutex);
    pump();
    auto& streams = state().streams;
    const auto place = std::find_if(streams.begin(), streams.end(), [&](const Stream& each) { return &each == stream; });
    if (place == streams.end()) return kDeviceError;
    if (!place->work.empty()) breach("a stream is destroyed with work on it");
    streams.erase(place);
    --state().counts.streams_alive;
    return 0;
}
int enqueue(void* stream, std::function<bool()> run) {
    static_cast<Stream*>(stream)->work.push_back({nullptr, std::move(run)});
    pump();
    return 0;
}
int stream_wait(void* stream, void* event) {
    const std::lock_guard lock(state().mutex);
    return enqueue(stream, [event] { return *static_cast<bool*>(event); });
}
int stream_drain(void* stream) {
    const std::lock_guard lock(state().mutex);
    pump();
    if (!static_cast<Stream*>(stream)->work.empty()) breach("waiting for a stream that may never end");
    return 0;
}
int event_create(void** event) {
    const std::lock_guard lock(state().mutex);
    *event = &state().events.emplace_back(false);
    ++state().counts.events_alive;
    return 0;
}
int event_destroy(void* event) {
    const std::lock_guard lock(state().mutex);
    if (event == nullptr) return kDeviceError;
    --state().counts.events_alive;
    return 0;
}
int event_record(void* event, void* stream) {
    const std::lock_guard lock(state().mutex);
    return enqueue(stream, [event] { return *static_cast<bool*>(event) = true; });
}
int event_record_caller(void* event) {
    const std::lock_guard lock(state().mutex);
    *static_cast<bool*>(event) = true;
    return 0;
}
int event_query(void* event, int* reached) {
    const std::lock_guard lock(state().mutex);
    pump();
    *reached = *static_cast<bool*>(event) ? 1 : 0;
    return 0;
}
int allocate(void** memory, std::size_t bytes) {
    const std::lock_guard lock(state().mutex);
    std::vector<std::byte> content(bytes, std::byte{0x7b});  // so that what was never written is seen
    *memory = content.data();
    state().memories[*memory] = {device_of_thread, std::move(content)};
    ++state().counts.memories_alive;
    return 0;
}
int release(void* memory) {
    const std::lock_guard lock(state().mutex);
    pump();
    const auto place = state().memories.find(memory);
    if (place == state().memories.end()) return kDeviceError;
    if (may_wait(place->second.first)) breach("freeing device memory waits for a communicator of this device");
    state().memories.erase(place);
    --state().counts.memories_alive;
    return 0;
}
int copy(void* to, const void* from, std::size_t bytes, void* stream) {
    const std::lock_guard lock(state().mutex);
    if (state().faults.device_copy_fails != 0) return state().faults.device_copy_fails;
    pump();
    const bool is_on_device = is_device_memory(to) && is_device_memory(from);
    if (!is_on_device && !static_cast<Stream*>(stream)->work.empty()) breach("a copy of host memory waits for what is queued");
    return enqueue(stream, [=] {
        std::memcpy(to, from, bytes);
        return true;
    });
}
int combine(void* left, const void* right, std::size_t count, Scalar type, Reduction reduction, void* stream) {
    const std::lock_guard lock(state().mutex);
    return enqueue(stream, [=] {
        reduce_parts(type, reduction, std::array<const void*, 2>{left, right}, count, left);
        return true;
    });
}

const DeviceCalls kDevice{
    .error_text = device_error_text,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .stream_wait = stream_wait,
    .stream_drain = stream_drain,
    .event_create = event_create,
    .event_destroy = event_destroy,
    .event_record = event_record,
    .event_record_caller = event_record_caller,
    .event_query = event_query,
    .allocate = allocate,
    .release = release,
    .copy = copy,
    .combine = combine,
};
}  // namespace

State& state() {
    static State the_state;
    return the_state;
}
void pump() {
    for (bool moved = true; moved;) {
        moved = false;
        for (Stream& stream : state().streams) {
            while (!stream.work.empty()) {
                Work& front = stream.work.front();
                if ((front.owner != nullptr && front.owner->never_ends) || !front.run()) break;
                stream.work.pop_front();
                moved = true;
            }
        }
    }
}

bool has_work(const Communicator& communicator) {
    for (const Stream& stream : state().streams)
        for (const Work& work : stream.work)
            if (work.owner == &communicator) return true;
    return false;
}

bool may_wait(int device) {
    const auto& all = state().communicators;
    return std::any_of(all.begin(), all.end(), [&](const Communicator& one) { return one.device == device && has_work(one); });
}

namespace {
const char* others_begin = nullptr;
std::size_t others_bytes = 0;
}  // namespace
void add_device_memory(const void* begin, std::size_t bytes) {
    others_begin = static_cast<const char*>(begin);
    others_bytes = bytes;
}

bool is_device_memory(const void* data) {
    if (data >= others_begin && data < others_begin + others_bytes) return true;
    const auto& memories = state().memories;
    return std::any_of(memories.begin(), memories.end(), [&](const auto& entry) {
        const std::byte* begin = entry.second.second.data();
        return data >= begin && data < begin + entry.second.second.size();
    });
}
int device_of_this_thread() { return device_of_thread; }
void use_device(int device) { device_of_thread = device; }
const DeviceCalls& device_calls() { return kDevice; }

Memory::Memory(std::size_t bytes) { allocate(&data_, bytes); }
Memory::~Memory() { release(data_); }

}  // namespace fairsweep::nccl_double
