#include "study/stage_device.hpp"

#include <chrono>
#include <exception>
#include <thread>

#include "device/gpu.hpp"
#include "fairsweep/log.hpp"
#include "model/precision.hpp"

namespace fairsweep {

torch::Device open_device(const Recipe& recipe, const std::string& precision) {
    if (recipe.device == "cpu") return torch::kCPU;
    const Gpu& gpu = own_gpu();
    check_device(*gpu.plugin->calls, "select a GPU", gpu.plugin->select(gpu.index));  // of this thread: a stage has one of its own
    use_tf32(precision_of(precision) == Precision::tf32);
    return {static_cast<torch::DeviceType>(gpu.plugin->device_type), static_cast<c10::DeviceIndex>(gpu.index)};
}

void release_device_memory() { static_cast<void>(own_gpu().plugin->release_cached()); }

bool leave_device(bool has_failed) {
    try {
        const Gpu& gpu = own_gpu();
        static_cast<void>(gpu.plugin->release_cached());
        if (has_failed) DeviceStream(*gpu.plugin->calls).drain();
        return true;
    } catch (const std::exception& error) {
        log_error(error.what());
        return false;
    }
}

LateNumbers::LateNumbers(const torch::Tensor& numbers)
    : host_(torch::empty(numbers.sizes(), sent_to(numbers.device()))), arrived_(*own_gpu().plugin->calls) {
    host_.copy_(numbers, /*non_blocking=*/true);
    arrived_.record_caller();
}

std::vector<double> LateNumbers::read() const {
    while (!arrived_.reached()) std::this_thread::sleep_for(std::chrono::microseconds(50));
    const float* const values = host_.const_data_ptr<float>();
    return {values, values + host_.numel()};
}

}  // namespace fairsweep
