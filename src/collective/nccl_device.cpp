#include "collective/nccl_device.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "fairsweep/error.hpp"

namespace fairsweep {

void check_device(const DeviceCalls& device, const char* call, int result) {
    if (result == 0) return;
    const char* text = device.error_text(result);
    throw_infrastructure({.attempted = fmt::format("{} on the device", call),
                          .found = fmt::format("{} (error {})", text != nullptr ? text : "an unknown error", result)});
}

DeviceEvent::DeviceEvent(const DeviceCalls& device) : device_(&device) {
    check_device(device, "create an event", device.event_create(&event_));
}

DeviceEvent::~DeviceEvent() {
    if (event_ != nullptr) device_->event_destroy(event_);
}

bool DeviceEvent::reached() const {
    int reached = 0;
    check_device(*device_, "query an event", device_->event_query(event_, &reached));
    return reached != 0;
}

DeviceStream::DeviceStream(const DeviceCalls& device) : device_(device) {
    check_device(device, "create a stream", device.stream_create(&stream_));
}

DeviceStream::~DeviceStream() {
    if (forsaken_) return;
    device_.stream_destroy(stream_);
    for (const Memory& memory : scratch_) outgrown_.push_back(memory);
    for (const Memory& memory : outgrown_) {
        if (memory.data != nullptr) device_.release(memory.data);
    }
}

std::byte* DeviceStream::scratch(Scratch which, std::size_t bytes) {
    Memory& memory = scratch_[static_cast<std::size_t>(which)];
    if (memory.bytes < bytes) {
        // Twice what there was, so that slowly growing requests leave no more behind than they use.
        Memory larger{.data = nullptr, .bytes = std::max(bytes, 2 * memory.bytes)};
        check_device(device_, fmt::format("allocate {} bytes", larger.bytes).c_str(),
                     device_.allocate(&larger.data, larger.bytes));
        outgrown_.push_back(std::exchange(memory, larger));
    }
    return static_cast<std::byte*>(memory.data);
}

void DeviceStream::wait_for(const DeviceEvent& event) {
    check_device(device_, "let a stream wait", device_.stream_wait(stream_, event.get()));
}

void DeviceStream::copy(void* to, const void* from, std::size_t bytes) {
    if (bytes != 0) check_device(device_, "copy", device_.copy(to, from, bytes, stream_));
}

void DeviceStream::combine(void* left, const void* right, std::size_t count, Scalar type, Reduction reduction) {
    if (count != 0) check_device(device_, name_of(reduction), device_.combine(left, right, count, type, reduction, stream_));
}

void DeviceStream::drain() { check_device(device_, "wait for a stream", device_.stream_drain(stream_)); }

}  // namespace fairsweep
