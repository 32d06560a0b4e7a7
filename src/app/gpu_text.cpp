#include "gpu_text.hpp"

#include <fmt/format.h>

#include "collective/nccl_table.hpp"
#include "device/plugin.hpp"

namespace fairsweep {
namespace {

/// 13000 is 13.0.
std::string cuda_version(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

std::string devices_text(const DevicePlugin& plugin) {
    const FoundDevices found = found_devices(plugin);
    std::string text = fmt::format("\n           CUDA {}, driver {}", cuda_version(found.runtime_version),
                                   found.driver_version == 0 ? "not found" : "for CUDA " + cuda_version(found.driver_version));
    if (!found.why_none.empty()) return text + "\n           " + found.why_none;
    for (const DeviceDescription& device : found.devices)
        text += fmt::format("\n           {} ({}.{}), {:.0f} GiB, bus {}", device.name, device.capability_major, device.capability_minor,
                            static_cast<double>(device.memory_bytes) / (1U << 30U), device.bus_id);
    return text;
}

std::string nccl_text() {
    const OpenedNccl nccl = open_nccl(usual_nccl());
    if (!nccl.library) return "not found: " + nccl.why_not;
    return fmt::format("{} ({})", nccl_version_text(nccl.library->version), nccl.library->file);
}

}  // namespace

std::string gpu_text() {
    const OpenedPlugin opened = open_plugin(cuda_plugin_path());
    const std::string gpu = opened.plugin == nullptr ? "no plugin: " + opened.why_not
                                                     : "plugin " + opened.path.string() + devices_text(*opened.plugin);
    return "\n  GPU      " + gpu + "\n  NCCL     " + nccl_text();
}

}  // namespace fairsweep
