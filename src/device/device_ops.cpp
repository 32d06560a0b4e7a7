#include "device/device_ops.hpp"

#include <array>
#include <cmath>
#include <string>

#include "device/fake_quant_kernel.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

constexpr auto kDeviceTypes = static_cast<std::size_t>(torch::DeviceType::COMPILE_TIME_MAX_DEVICE_TYPES);

std::array<const DeviceOps*, kDeviceTypes>& tables() {
    static std::array<const DeviceOps*, kDeviceTypes> tables{};
    return tables;
}

float number_at(const torch::Tensor& x, std::int64_t place) {
    return x.is_cpu() ? x.const_data_ptr<float>()[place] : x[place].item<float>();
}

}  // namespace

StepGrid grid_at(const GridTensors& grid, std::int64_t row) {
    const float first = number_at(grid.first, row), second = number_at(grid.second, row);
    switch (grid.source) {
        case GridSource::symmetric_range: return grid_of_range(first, second, GridKind::symmetric, grid.bits);
        case GridSource::asymmetric_range: return grid_of_range(first, second, GridKind::asymmetric, grid.bits);
        case GridSource::step: return grid_of_step(first, second, grid.bits);
        case GridSource::log_step: break;
    }
    return grid_of_step(std::exp(first), second, grid.bits);
}

const DeviceOps& ops_of(const torch::Tensor& x) {
    if (x.is_cpu()) return cpu_ops();
    const DeviceOps* const ops = tables().at(static_cast<std::size_t>(x.device().type()));
    if (ops != nullptr) return *ops;
    throw Error(ErrorKind::internal, {.attempted = "quantise on a device",
                                      .where = x.device().str(),
                                      .found = "no operations for it",
                                      .expected = "install_ops() before"});
}

void install_ops(torch::DeviceType device, const DeviceOps& ops) { tables().at(static_cast<std::size_t>(device)) = &ops; }

}  // namespace fairsweep
