// A plugin of another interface, or built with another LibTorch.
#include "device/plugin.hpp"

#include <torch/version.h>

namespace {
const fairsweep::DevicePlugin kPlugin{.interface = FAIRSWEEP_FAKE_INTERFACE,
                                      .torch_version = FAIRSWEEP_FAKE_TORCH,
                                      .device_type = 0,
                                      .ops = nullptr,
                                      .calls = nullptr,
                                      .error_text = nullptr,
                                      .versions = nullptr,
                                      .device_count = nullptr,
                                      .describe = nullptr,
                                      .select = nullptr,
                                      .release_cached = nullptr};
}  // namespace

extern "C" const fairsweep::DevicePlugin* fairsweep_device_plugin() { return &kPlugin; }
