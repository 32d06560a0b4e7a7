#pragma once
#include <string>

namespace fairsweep {
/// What of GPUs this program can use here, or why not, as lines "\n  GPU      ...": opens the plugin and NCCL.
[[nodiscard]] std::string gpu_text();
}  // namespace fairsweep
