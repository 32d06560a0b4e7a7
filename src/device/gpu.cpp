#include "device/gpu.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <torch/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>
#include <string>

#include "device/device_ops.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/process.hpp"

namespace fairsweep {
namespace {

constexpr int kMostRanksPerGpu = 64;

[[noreturn]] void refuse_gpu(const std::string& found, const std::string& expected, const std::string& hint) {
    throw_infrastructure({.attempted = "cannot train on a GPU",
                          .where = "host " + host_name(),
                          .found = found,
                          .expected = expected,
                          .hint = hint});
}

std::optional<int> number_in(const char* text) {
    int number = 0;
    const char* const end = text + std::strlen(text);
    const auto read = std::from_chars(text, end, number);
    return read.ec == std::errc() && read.ptr == end && number >= 0 ? std::optional(number) : std::nullopt;
}

int ranks_per_gpu() {
    const char* const text = std::getenv("FAIRSWEEP_RANKS_PER_GPU");
    if (text == nullptr) return 1;
    const std::optional<int> ranks = number_in(text);
    if (ranks && *ranks >= 1 && *ranks <= kMostRanksPerGpu) return *ranks;
    throw_usage({.attempted = "cannot use an environment variable",
                 .where = "FAIRSWEEP_RANKS_PER_GPU",
                 .found = fmt::format("'{}'", text),
                 .expected = fmt::format("a whole number from 1 to {}", kMostRanksPerGpu)});
}

/// True where the name was free, or this process has it. The socket is never closed: the kernel frees the name when the process has
/// ended, however it ends.
bool take_name(const std::string& name) {
    static std::set<std::string> own;
    if (own.contains(name)) return true;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;  // a name that begins with a zero is no file
    const std::size_t length = std::min(name.size(), sizeof(address.sun_path) - 1);
    std::memcpy(address.sun_path + 1, name.data(), length);
    const int handle = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (handle < 0) return true;  // a machine without such sockets has no guard either
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
    if (::bind(handle, reinterpret_cast<const sockaddr*>(&address), size) == 0) return own.insert(name).second;
    const bool is_taken = errno == EADDRINUSE;
    ::close(handle);
    return !is_taken;
}

int first_free(const std::vector<DeviceDescription>& devices) {
    const int ranks = ranks_per_gpu();
    for (int slot = 0; slot < ranks; ++slot)
        for (const int index : gpu_order(local_rank(), static_cast<int>(devices.size())))
            if (take_name(fmt::format("fairsweep-gpu-{}-{}", devices[static_cast<std::size_t>(index)].bus_id, slot))) return index;
    std::string buses;
    for (const DeviceDescription& device : devices) buses += fmt::format("{}{}", buses.empty() ? "" : ", ", device.bus_id);
    refuse_gpu(fmt::format("every GPU that this rank sees is taken by another rank (bus {})", buses), "one GPU for each worker",
               fmt::format("as many workers on a machine as it has GPUs (--workers {}), or wait until another sweep here has ended",
                           devices.size() * static_cast<std::size_t>(ranks)));
}

constexpr const char* kHint = "fairsweep --version says what there is; recipe.device = cpu trains without a GPU";

struct VisibleGpus {
    const DevicePlugin* plugin;
    std::vector<DeviceDescription> devices;
};

VisibleGpus visible_gpus() {
    const OpenedPlugin opened = open_plugin(cuda_plugin_path());
    if (opened.plugin == nullptr) refuse_gpu(opened.why_not, "the plugin for GPUs", kHint);
    const FoundDevices found = found_devices(*opened.plugin);
    if (!found.why_none.empty()) refuse_gpu(found.why_none, "a GPU", kHint);
    return {opened.plugin, found.devices};
}

Gpu take_gpu() {
    const auto [plugin, devices] = visible_gpus();
    const int index = first_free(devices);
    if (const int error = plugin->select(index); error != 0) refuse_gpu(plugin->error_text(error), "a GPU that can be used", kHint);
    install_ops(static_cast<torch::DeviceType>(plugin->device_type), *plugin->ops);
    const Gpu gpu{plugin, index, devices[static_cast<std::size_t>(index)]};
    log_info(fmt::format("trains on {} (bus {})", gpu.description.name, gpu.description.bus_id));
    return gpu;
}

}  // namespace

std::vector<int> gpu_order(int local_rank, int count) {
    std::vector<int> order;
    for (int i = 0; i < count; ++i) order.push_back((local_rank + i) % count);
    return order;
}

int local_rank() {
    for (const char* variable : {"OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"})
        if (const char* const text = std::getenv(variable)) return number_in(text).value_or(0);
    return 0;
}

int gpu_ranks() { return ranks_per_gpu() * static_cast<int>(visible_gpus().devices.size()); }

const Gpu& own_gpu() {
    static const Gpu gpu = take_gpu();
    return gpu;
}

}  // namespace fairsweep
