#pragma once
/// Libraries that bring the operations of another device, opened at run time: a machine without that device needs nothing of it.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fairsweep {

struct DeviceCalls;
struct DeviceOps;

/// What a plugin knows of one device.
struct DeviceDescription {
    char name[256];
    char bus_id[32];  ///< unique on a host: two ranks with the same one share a device
    std::uint64_t memory_bytes;
    int capability_major, capability_minor;
};

/// What a plugin gives, by its function fairsweep_device_plugin(). Functions return 0 or an error of the device.
struct DevicePlugin {
    static constexpr int kInterface = 2;
    static constexpr const char* kEntry = "fairsweep_device_plugin";
    int interface;              ///< kInterface of the headers that it was built with: read first
    const char* torch_version;  ///< that it was built with; another one is refused
    int device_type;            ///< c10::DeviceType of the tensors that `ops` takes
    const DeviceOps* ops;
    const DeviceCalls* calls;  ///< for teams (collective/nccl_device.hpp)
    const char* (*error_text)(int error);
    int (*versions)(int* driver, int* runtime);  ///< as CUDA counts them: 13000 is 13.0; driver 0: none
    int (*device_count)(int* count);
    int (*describe)(int index, DeviceDescription* device);
    int (*select)(int index);  ///< of the calling thread
    int (*release_cached)();   ///< memory that torch keeps for later goes back to the device
};

/// An opened plugin, or why there is none.
struct OpenedPlugin {
    const DevicePlugin* plugin = nullptr;  ///< stays until the process ends
    std::filesystem::path path;            ///< that was tried
    std::string why_not;                   ///< one line, empty with a plugin
};

/// Opens `path`, once for each path. Never throws for what it finds there.
[[nodiscard]] OpenedPlugin open_plugin(const std::filesystem::path& path);
/// libfairsweep_cuda.so beside the program, or what FAIRSWEEP_CUDA_PLUGIN names.
[[nodiscard]] std::filesystem::path cuda_plugin_path();

/// The GPUs that the plugin sees, or why it sees none.
struct FoundDevices {
    std::vector<DeviceDescription> devices;
    int driver_version = 0, runtime_version = 0;
    std::string why_none;  ///< empty with devices
};
[[nodiscard]] FoundDevices found_devices(const DevicePlugin& plugin);

}  // namespace fairsweep
