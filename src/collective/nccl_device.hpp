#pragma once
/// What the nccl collective needs of a device: streams, events, memory, and one kernel. A table of plain C functions, so that the
/// CUDA plugin can fill it, and a double over host memory in tests. Every function returns 0, or an error of the device.
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "fairsweep/collective.hpp"

namespace fairsweep {

struct DeviceCalls {
    const char* (*error_text)(int error) = nullptr;
    int (*stream_create)(void** stream) = nullptr;
    int (*stream_destroy)(void* stream) = nullptr;
    int (*stream_wait)(void* stream, void* event) = nullptr;  ///< what is queued from now on comes after the event
    int (*stream_drain)(void* stream) = nullptr;              ///< the one call that waits: until all that is queued has run
    int (*event_create)(void** event) = nullptr;
    int (*event_destroy)(void* event) = nullptr;
    int (*event_record)(void* event, void* stream) = nullptr;
    int (*event_record_caller)(void* event) = nullptr;  ///< on the stream that this thread computes on (torch's current one)
    int (*event_query)(void* event, int* reached) = nullptr;
    int (*allocate)(void** memory, std::size_t bytes) = nullptr;
    int (*release)(void* memory) = nullptr;  ///< may wait for everything that runs on the device
    int (*copy)(void* to, const void* from, std::size_t bytes, void* stream) = nullptr;  ///< any of host and device
    /// left = left (+, min, max) right, element by element, with the rounding and the NaNs of Collective::all_reduce.
    int (*combine)(void* left, const void* right, std::size_t count, Scalar type, Reduction reduction, void* stream) = nullptr;
};

/// Throws an infrastructure error that names the call, where a device call has failed.
void check_device(const DeviceCalls& device, const char* call, int result);

class DeviceEvent {
public:
    explicit DeviceEvent(const DeviceCalls& device);
    DeviceEvent(DeviceEvent&& other) noexcept : device_(other.device_), event_(std::exchange(other.event_, nullptr)) {}
    DeviceEvent& operator=(DeviceEvent&&) = delete;
    ~DeviceEvent();
    void record(void* stream) { check_device(*device_, "record an event", device_->event_record(event_, stream)); }
    void record_caller() { check_device(*device_, "record an event", device_->event_record_caller(event_)); }
    [[nodiscard]] bool reached() const;
    [[nodiscard]] void* get() const { return event_; }

private:
    const DeviceCalls* device_;
    void* event_ = nullptr;
};

/// One stream and the scratch memory of what runs on it.
class DeviceStream {
public:
    explicit DeviceStream(const DeviceCalls& device);
    DeviceStream(const DeviceStream&) = delete;
    DeviceStream& operator=(const DeviceStream&) = delete;
    ~DeviceStream();

    enum class Scratch : std::uint8_t { parts, gathered, staged, staged_all };
    /// Memory of at least so many bytes. What was there before stays until the stream is destroyed: work that uses it may be
    /// queued, and freeing device memory may wait.
    [[nodiscard]] std::byte* scratch(Scratch which, std::size_t bytes);

    void wait_for(const DeviceEvent& event);
    void copy(void* to, const void* from, std::size_t bytes);
    void combine(void* left, const void* right, std::size_t count, Scalar type, Reduction reduction);
    void drain();
    /// Leaves stream and memory to the device for ever: something that cannot be stopped may still use them.
    void forsake() { forsaken_ = true; }
    [[nodiscard]] void* get() const { return stream_; }
    [[nodiscard]] const DeviceCalls& device() const { return device_; }

private:
    struct Memory {
        void* data = nullptr;
        std::size_t bytes = 0;
    };
    const DeviceCalls& device_;
    void* stream_ = nullptr;
    std::array<Memory, 4> scratch_{};
    std::vector<Memory> outgrown_;
    bool forsaken_ = false;
};

}  // namespace fairsweep
