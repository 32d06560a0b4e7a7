#include "device/plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>

#include <torch/version.h>

namespace fairsweep {
namespace {

/// What the loader says; its text names the file or symbol that is missing.
std::string loader_error() {
    const char* const text = dlerror();
    return text != nullptr ? text : "the loader gives no reason";
}

OpenedPlugin opened(const std::filesystem::path& path) {
    const auto none = [&](std::string why) { return OpenedPlugin{.plugin = nullptr, .path = path, .why_not = std::move(why)}; };
    std::error_code unknown;
    if (!std::filesystem::exists(path, unknown)) return none(fmt::format("there is no {}", path.string()));
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return none(loader_error());
    void* const entry = dlsym(library, DevicePlugin::kEntry);
    if (entry == nullptr) return none(loader_error());
    const DevicePlugin* const plugin = reinterpret_cast<const DevicePlugin* (*)()>(entry)();
    if (plugin->interface != DevicePlugin::kInterface)
        return none(fmt::format("{} has interface {}, this program needs {}: build both from the same sources", path.string(),
                                plugin->interface, DevicePlugin::kInterface));
    if (std::string_view(plugin->torch_version) != TORCH_VERSION)
        return none(fmt::format("{} was built with LibTorch {}, this program with {}", path.string(), plugin->torch_version,
                                TORCH_VERSION));
    return {.plugin = plugin, .path = path, .why_not = {}};
}

}  // namespace

OpenedPlugin open_plugin(const std::filesystem::path& path) {
    static std::mutex mutex;
    static std::map<std::filesystem::path, OpenedPlugin> known;
    const std::lock_guard lock(mutex);
    const auto found = known.find(path);
    if (found != known.end()) return found->second;
    return known.emplace(path, opened(path)).first->second;
}

std::filesystem::path cuda_plugin_path() {
    if (const char* const named = std::getenv("FAIRSWEEP_CUDA_PLUGIN")) return named;
    std::error_code unknown;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", unknown);
    return program.parent_path() / "libfairsweep_cuda.so";
}

FoundDevices found_devices(const DevicePlugin& plugin) {
    FoundDevices found;
    const auto failed = [&](const char* what, int error) {
        found.why_none = fmt::format("{}: {} (error {})", what, plugin.error_text(error), error);
        found.devices.clear();
        return found;
    };
    if (const int error = plugin.versions(&found.driver_version, &found.runtime_version)) return failed("no versions", error);
    int count = 0;
    if (const int error = plugin.device_count(&count)) return failed("no GPU can be used", error);
    for (int i = 0; i < count; ++i) {
        DeviceDescription device{};
        if (const int error = plugin.describe(i, &device)) return failed(fmt::format("GPU {}", i).c_str(), error);
        found.devices.push_back(device);
    }
    if (found.devices.empty()) found.why_none = "the driver shows no GPU";
    return found;
}

}  // namespace fairsweep
