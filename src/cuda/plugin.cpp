/// libfairsweep_cuda.so: the operations of device_ops.hpp, and what teams need of the device. It shares headers with the program and
/// none of its code.
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <torch/types.h>
#include <torch/version.h>

#include <cstring>

#include "collective/nccl_device.hpp"
#include "cuda/kernels.hpp"
#include "cuda/tensor_ops.hpp"
#include "device/plugin.hpp"

namespace fairsweep {

const char* cuda::error_text(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }
cuda::Stream cuda::stream_of(const torch::Tensor& x) { return c10::cuda::getCurrentCUDAStream(x.device().index()).stream(); }

namespace {

cudaStream_t stream_at(void* stream) { return static_cast<cudaStream_t>(stream); }
cudaEvent_t event_at(void* event) { return static_cast<cudaEvent_t>(event); }

int query(void* event, int* reached) {
    const cudaError_t state = cudaEventQuery(event_at(event));
    *reached = state == cudaSuccess ? 1 : 0;
    if (state != cudaErrorNotReady) return state;
    static_cast<void>(cudaGetLastError());  // else the next launch of this thread would report it
    return 0;
}

const DeviceCalls kCalls{
    .error_text = cuda::error_text,
    .stream_create =
        [](void** stream) -> int { return cudaStreamCreateWithFlags(reinterpret_cast<cudaStream_t*>(stream), cudaStreamNonBlocking); },
    .stream_destroy = [](void* stream) -> int { return cudaStreamDestroy(stream_at(stream)); },
    .stream_wait = [](void* stream, void* event) -> int { return cudaStreamWaitEvent(stream_at(stream), event_at(event), 0); },
    .stream_drain = [](void* stream) -> int { return cudaStreamSynchronize(stream_at(stream)); },
    .event_create =
        [](void** event) -> int { return cudaEventCreateWithFlags(reinterpret_cast<cudaEvent_t*>(event), cudaEventDisableTiming); },
    .event_destroy = [](void* event) -> int { return cudaEventDestroy(event_at(event)); },
    .event_record = [](void* event, void* stream) -> int { return cudaEventRecord(event_at(event), stream_at(stream)); },
    .event_record_caller = [](void* event) -> int { return cudaEventRecord(event_at(event), c10::cuda::getCurrentCUDAStream().stream()); },
    .event_query = query,
    .allocate = [](void** memory, std::size_t bytes) -> int { return cudaMalloc(memory, bytes); },
    .release = [](void* memory) -> int { return cudaFree(memory); },
    .copy = [](void* to, const void* from, std::size_t bytes,
               void* stream) -> int { return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_at(stream)); },
    .combine = [](void* left, const void* right, std::size_t count, Scalar type, Reduction reduction,
                  void* stream) -> int { return cuda::combine(left, right, count, type, reduction, stream); }};

int versions(int* driver, int* runtime) {
    const cudaError_t error = cudaDriverGetVersion(driver);
    return error != cudaSuccess ? error : cudaRuntimeGetVersion(runtime);
}

int device_count(int* count) { return cudaGetDeviceCount(count); }

int describe(int index, DeviceDescription* device) {
    cudaDeviceProp properties{};
    if (const cudaError_t error = cudaGetDeviceProperties(&properties, index); error != cudaSuccess) return error;
    static_assert(sizeof(device->name) == sizeof(properties.name));
    std::memcpy(device->name, properties.name, sizeof(device->name));
    device->memory_bytes = properties.totalGlobalMem;
    device->capability_major = properties.major;
    device->capability_minor = properties.minor;
    return cudaDeviceGetPCIBusId(device->bus_id, sizeof(device->bus_id), index);
}

int select(int index) { return cudaSetDevice(index); }

int release_cached() {
    c10::cuda::CUDACachingAllocator::emptyCache();
    return cudaSuccess;
}

const DevicePlugin kPlugin{.interface = DevicePlugin::kInterface,
                           .torch_version = TORCH_VERSION,
                           .device_type = static_cast<int>(torch::DeviceType::CUDA),
                           .ops = &cuda::ops(),
                           .calls = &kCalls,
                           .error_text = cuda::error_text,
                           .versions = versions,
                           .device_count = device_count,
                           .describe = describe,
                           .select = select,
                           .release_cached = release_cached};

}  // namespace
}  // namespace fairsweep

extern "C" __attribute__((visibility("default"))) const fairsweep::DevicePlugin* fairsweep_device_plugin() { return &fairsweep::kPlugin; }
