// A GPU for machines without one, as a plugin: set FAIRSWEEP_CUDA_PLUGIN to it. Torch sees a device of its own (type HPU, which it has a name
// for and no code) whose every operation is the processor's, on the same bits. Its memory lies at addresses that nobody may read, and the
// operations use it through a second mapping: code that takes the host's way into a tensor of the device dies of it, and a tensor that was
// left on the processor is refused by name. What it cannot show: that CUDA computes the same, and anything of time.
//
// FAIRSWEEP_PRETENDED_GPUS: how many (1); FAIRSWEEP_PRETENDED_BUS: what their bus ids begin with (this process).
// FAIRSWEEP_PRETENDED_OPEN: its memory may be read, for the double of NCCL, which this library is too (FAIRSWEEP_NCCL).
#include <ATen/EmptyTensor.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <torch/library.h>
#include <torch/types.h>
#include <torch/version.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "device/device_ops.hpp"
#include "device/plugin.hpp"
#include "support/nccl_double.hpp"

namespace at {
namespace {

/// Torch asks whether there is such a device at all, by this name.
struct HPUHooks final : HPUHooksInterface {
    explicit HPUHooks(HPUHooksArgs) {}
    void init() const override {}
    bool hasHPU() const override { return true; }
    bool isBuilt() const override { return true; }
    bool isAvailable() const override { return true; }
    bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
    c10::DeviceIndex deviceCount() const override { return 1; }
    c10::DeviceIndex getCurrentDevice() const override { return 0; }
    c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
    c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
};
REGISTER_HPU_HOOKS(HPUHooks)

}  // namespace
}  // namespace at

namespace fairsweep::pretended {
namespace {

constexpr auto kType = torch::DeviceType::HPU;
constexpr std::size_t kRegionBytes = std::size_t{16} << 30;  // of addresses; memory is what is used

/// The device's memory: two mappings of the same pages.
class Region {
public:
    Region() {
        const int file = ::memfd_create("pretended GPU", 0);
        TORCH_CHECK(file >= 0 && ::ftruncate(file, kRegionBytes) == 0, "no memory for the pretended GPU");
        const int rights = std::getenv("FAIRSWEEP_PRETENDED_OPEN") != nullptr ? PROT_READ | PROT_WRITE : PROT_NONE;
        device_ = map(file, rights);
        host_ = map(file, PROT_READ | PROT_WRITE);
        ::close(file);
        nccl_double::add_device_memory(device_, kRegionBytes);
    }
    void* take(std::size_t bytes) {
        const std::size_t size = std::bit_ceil(std::max(bytes, std::size_t{256}));
        const std::lock_guard lock(mutex_);
        if (failures_ > 0 && --before_failure_ < 0) {
            --failures_;
            throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, "the pretended GPU is full");
        }
        std::vector<void*>& unused = unused_[size];
        if (!unused.empty()) {
            void* const memory = unused.back();
            unused.pop_back();
            return memory;
        }
        if (used_ + size > kRegionBytes) throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, "the pretended GPU is full");
        void* const memory = device_ + used_;
        used_ += size;
        sizes_[memory] = size;
        return memory;
    }
    void give(void* memory) {
        const std::lock_guard lock(mutex_);
        unused_[sizes_.at(memory)].push_back(memory);
    }
    /// The next `failures` allocations after `more` find no memory.
    void fail_after(int more, int failures) {
        const std::lock_guard lock(mutex_);
        before_failure_ = more;
        failures_ = failures;
    }
    /// Where the operations find what lies at a device's address.
    void* host(const void* memory) const { return host_ + (static_cast<const char*>(memory) - device_); }

private:
    static char* map(int file, int rights) {
        void* const memory = ::mmap(nullptr, kRegionBytes, rights, MAP_SHARED | MAP_NORESERVE, file, 0);
        TORCH_CHECK(memory != MAP_FAILED, "no addresses for the pretended GPU");
        return static_cast<char*>(memory);
    }
    char *device_ = nullptr, *host_ = nullptr;
    std::size_t used_ = 0;
    int before_failure_ = 0, failures_ = 0;
    std::mutex mutex_;
    std::map<std::size_t, std::vector<void*>> unused_;
    std::map<void*, std::size_t> sizes_;
};

Region& region() {
    static Region* const the_region = new Region;  // tensors may outlive everything
    return *the_region;
}

struct Memory final : c10::Allocator {
    c10::DataPtr allocate(std::size_t bytes) override {
        void* const memory = bytes == 0 ? nullptr : region().take(bytes);
        return {memory, memory, raw_deleter(), torch::Device(kType, 0)};
    }
    c10::DeleterFnPtr raw_deleter() const override {
        return [](void* memory) {
            if (memory != nullptr) region().give(memory);
        };
    }
    void copy_data(void* to, const void* from, std::size_t bytes) const override { std::memcpy(region().host(to), region().host(from), bytes); }
};
Memory memory;

c10::Stream own_stream() { return c10::Stream(c10::Stream::DEFAULT, c10::Device(kType, 0)); }

/// Which device a thread is at.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<kType> {
    c10::Device exchangeDevice(c10::Device) const override { return getDevice(); }
    c10::Device getDevice() const override { return {kType, 0}; }
    c10::Stream getStream(c10::Device) const noexcept override { return own_stream(); }
    c10::Stream exchangeStream(c10::Stream) const noexcept override { return own_stream(); }
    c10::Stream getDefaultStream(c10::Device) const override { return own_stream(); }
    c10::DeviceIndex deviceCount() const noexcept override { return 1; }
};
C10_REGISTER_GUARD_IMPL(HPU, Guard);

/// The same memory as a tensor of the processor.
torch::Tensor shared(const torch::Tensor& x) {
    if (!x.defined() || x.is_cpu()) return x;
    void* const data = x.numel() == 0 ? nullptr : region().host(x.const_data_ptr());
    return torch::from_blob(data, x.sizes(), x.strides(), [x](void*) {}, torch::TensorOptions(x.scalar_type()));
}

torch::Tensor empty_strided(c10::IntArrayRef sizes, c10::IntArrayRef strides, std::optional<c10::ScalarType> type, std::optional<c10::Layout>,
                            std::optional<c10::Device>, std::optional<bool>) {
    return at::detail::empty_strided_generic(sizes, strides, &memory, c10::DispatchKeySet(c10::DispatchKey::HPU),
                                             c10::dtype_or_default(type));
}
torch::Tensor empty(c10::IntArrayRef sizes, std::optional<c10::ScalarType> type, std::optional<c10::Layout>, std::optional<c10::Device>,
                    std::optional<bool>, std::optional<c10::MemoryFormat> format) {
    return at::detail::empty_generic(sizes, &memory, c10::DispatchKeySet(c10::DispatchKey::HPU), c10::dtype_or_default(type), format);
}

torch::Tensor moved(const torch::Tensor& x) {
    if (!x.defined()) return x;
    const torch::Tensor there = empty_strided(x.sizes(), x.strides(), x.scalar_type(), {}, {}, {});
    shared(there).copy_(x);
    return there;
}

torch::Tensor& copy(torch::Tensor& to, const torch::Tensor& from, bool) {
    shared(to).copy_(shared(from));
    return to;
}

/// `used` was x for an operation, which may have made it smaller, or made something of nothing.
torch::Tensor resized(const torch::Tensor& x, const torch::Tensor& used) {
    if (x.sizes() == used.sizes()) return x;
    if (x.numel() == 0) x.unsafeGetTensorImpl()->set_storage_keep_dtype(moved(used).storage());
    x.unsafeGetTensorImpl()->set_sizes_and_strides(used.sizes(), used.strides());
    return x;
}

/// Every other operation: the processor's, on the same memory.
void compute(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
    const c10::FunctionSchema& schema = op.schema();
    const auto wrong = [&](const char* what) { TORCH_CHECK(false, "the pretended GPU: ", what, " in ", schema.operator_name()); };
    const std::size_t first = stack->size() - schema.arguments().size();
    const std::vector<c10::IValue> given(stack->begin() + static_cast<std::ptrdiff_t>(first), stack->end());
    const auto checked = [&](const torch::Tensor& x) {
        if (x.defined() && x.is_cpu() && x.dim() > 0) wrong("a tensor of the processor");
        return shared(x);
    };
    for (std::size_t i = 0; i < given.size(); ++i) {
        c10::IValue& value = (*stack)[first + i];
        if (value.isTensor()) {
            const torch::Tensor x = value.toTensor();
            value = x.defined() && !x.is_cpu() && x.numel() == 0 ? torch::empty({0}, x.scalar_type()) : checked(x);
        } else if (value.isTensorList()) {
            c10::List<torch::Tensor> all;
            for (const torch::Tensor& x : value.toTensorVector()) all.push_back(checked(x));
            value = all;
        } else if (value.isOptionalTensorList()) {
            c10::List<std::optional<torch::Tensor>> all;
            for (const std::optional<torch::Tensor>& x : value.toOptionalTensorVector()) all.push_back(x ? std::optional(checked(*x)) : x);
            value = all;
        } else if (value.isDevice()) {
            value = torch::Device(torch::kCPU);
        }
    }
    const std::vector<c10::IValue> used(stack->begin() + static_cast<std::ptrdiff_t>(first), stack->end());
    try {
        op.callBoxed(stack);
    } catch (c10::Error& error) {
        error.add_context(fmt::format("the pretended GPU in {}", schema.name()));
        throw;
    }
    const std::size_t returned = stack->size() - schema.returns().size();
    for (std::size_t i = 0; i < schema.returns().size(); ++i) {
        c10::IValue& value = (*stack)[returned + i];
        const c10::AliasInfo* const alias = schema.returns()[i].alias_info();
        if (alias != nullptr && alias->isWrite()) {  // what was given, changed in place
            for (std::size_t a = 0; a < given.size(); ++a) {
                const c10::AliasInfo* const of_argument = schema.arguments()[a].alias_info();
                if (of_argument != nullptr && *of_argument == *alias) value = resized(given[a].toTensor(), used[a].toTensor());
            }
        } else if (alias != nullptr) {
            wrong("a view that it does not have");
        } else if (value.isTensor()) {
            value = moved(value.toTensor());
        } else if (value.isTensorList()) {
            c10::List<torch::Tensor> all;
            for (const torch::Tensor& x : value.toTensorVector()) all.push_back(moved(x));
            value = all;
        }
    }
}

// Torch gives other devices their own names for these.
using Optional = const std::optional<torch::Tensor>&;
std::optional<torch::Tensor> shared(Optional x) { return x ? std::optional(shared(*x)) : std::nullopt; }

torch::Tensor convolution(const torch::Tensor& x, const torch::Tensor& weight, Optional bias, c10::IntArrayRef stride, c10::IntArrayRef padding,
                          c10::IntArrayRef dilation, bool transposed, c10::IntArrayRef output_padding, std::int64_t groups) {
    if (x.is_cpu() || weight.is_cpu()) TORCH_CHECK(false, "the pretended GPU: a tensor of the processor in a convolution");
    return moved(at::convolution(shared(x), shared(weight), shared(bias), stride, padding, dilation, transposed, output_padding, groups));
}
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> convolution_gradients(const torch::Tensor& gradient, const torch::Tensor& x,
                                                                               const torch::Tensor& weight, c10::IntArrayRef stride,
                                                                               c10::IntArrayRef padding, c10::IntArrayRef dilation,
                                                                               bool transposed, c10::IntArrayRef output_padding,
                                                                               std::int64_t groups, std::array<bool, 3> wanted) {
    const auto [of_x, of_weight, of_bias] =
        at::convolution_backward(shared(gradient), shared(x), shared(weight), c10::nullopt, stride, padding, dilation, transposed,
                                 output_padding, groups, {wanted[0], wanted[1], false});
    torch::Tensor bias;
    if (wanted[2]) bias = moved(shared(gradient).sum({0, 2, 3}));
    return {moved(of_x), moved(of_weight), bias};
}

TORCH_LIBRARY_IMPL(_, HPU, library) { library.fallback(torch::CppFunction::makeFromBoxedFunction<&compute>()); }
TORCH_LIBRARY_IMPL(aten, HPU, library) {
    library.impl("empty.memory_format", empty);
    library.impl("empty_strided", empty_strided);
    library.impl("copy_", copy);
    library.impl("as_strided", at::native::as_strided_tensorimpl);
    library.impl("view", at::native::view);
    library.impl("_reshape_alias", at::native::_reshape_alias);
    // Torch would make these of others that need a memory that grows.
    for (const char* loss : {"mse_loss", "smooth_l1_loss"}) library.impl(loss, torch::CppFunction::makeFromBoxedFunction<&compute>());
    library.impl("convolution_overrideable", convolution);
    library.impl("convolution_backward_overrideable", convolution_gradients);
}

// Our own operations: the processor's.
using T = const torch::Tensor&;
torch::Tensor here(T x) {
    TORCH_CHECK(!x.defined() || !x.is_cpu(), "the pretended GPU: a tensor of the processor in an operation of fairsweep", x.sizes());
    return shared(x);
}
GridTensors here(const GridTensors& grid) { return {grid.source, grid.bits, here(grid.first), here(grid.second)}; }

void update_ranges(std::span<const RangeUpdate> updates) {
    std::vector<RangeUpdate> all(updates.begin(), updates.end());
    for (RangeUpdate& update : all)
        for (torch::Tensor* const x : {&update.seen, &update.min, &update.max, &update.log_step, &update.zero_point}) *x = here(*x);
    cpu_ops().update_ranges(all);
}
void quantise_weights(std::span<const WeightJob> jobs, T first_broken) {
    std::vector<WeightJob> all(jobs.begin(), jobs.end());
    for (WeightJob& job : all)
        for (torch::Tensor* const x : {&job.source, &job.out, &job.steps, &job.zero_points, &job.kept}) *x = here(*x);
    cpu_ops().quantise_weights(all, here(first_broken));
}

const DeviceOps kOps{
    .name = "pretended",
    .observe = [](T x, T seen, T broken) { cpu_ops().observe(here(x), here(seen), here(broken)); },
    .widen = [](T seen, T min, T max) { cpu_ops().widen(here(seen), here(min), here(max)); },
    .quantise_scaled = [](T x, T min, T max, int bits, T broken) { cpu_ops().quantise_scaled(here(x), here(min), here(max), bits, here(broken)); },
    .quantise_stepped = [](T x, T out, T kept, const GridTensors& grid, T seen,
                           T broken) { cpu_ops().quantise_stepped(here(x), here(out), here(kept), here(grid), here(seen), here(broken)); },
    .masked_gradient = [](T gradient, T kept, T out) { cpu_ops().masked_gradient(here(gradient), here(kept), here(out)); },
    .learned_gradient = [](T x, T gradient, T out, const GridTensors& grid,
                           T step) { cpu_ops().learned_gradient(here(x), here(gradient), here(out), here(grid), here(step)); },
    .update_ranges = update_ranges,
    .quantise_weights = quantise_weights,
    .prelu_forward = [](T x, T slopes, T y) { cpu_ops().prelu_forward(here(x), here(slopes), here(y)); },
    .prelu_backward = [](T x, T gradient, T slopes, T x_gradient,
                         T slope_gradient) {
        cpu_ops().prelu_backward(here(x), here(gradient), here(slopes), here(x_gradient), here(slope_gradient));
    },
    .images = [](T pixels, T flips, T out) { cpu_ops().images(here(pixels), here(flips), here(out)); }};

std::atomic<int> released = 0;  // how often memory was given back

int describe(int index, DeviceDescription* device) {
    const char* const bus = std::getenv("FAIRSWEEP_PRETENDED_BUS");
    const std::string id = fmt::format("{}.{}", bus != nullptr ? bus : std::to_string(::getpid()), index);
    std::snprintf(device->name, sizeof(device->name), "pretended GPU");
    std::snprintf(device->bus_id, sizeof(device->bus_id), "%s", id.c_str());
    device->memory_bytes = kRegionBytes;
    device->capability_major = device->capability_minor = 0;
    return 0;
}

int count(int* gpus) {
    const char* const text = std::getenv("FAIRSWEEP_PRETENDED_GPUS");
    *gpus = text != nullptr ? std::atoi(text) : 1;
    return 0;
}

const DeviceCalls& calls() {
    static const DeviceCalls the_calls = nccl_double::context().device;
    return the_calls;
}

const DevicePlugin kPlugin{.interface = DevicePlugin::kInterface,
                           .torch_version = TORCH_VERSION,
                           .device_type = static_cast<int>(kType),
                           .ops = &kOps,
                           .calls = &calls(),
                           .error_text = [](int) { return "an error of the pretended GPU"; },
                           .versions =
                               [](int* driver, int* runtime) {
                                   *driver = *runtime = 13000;
                                   return 0;
                               },
                           .device_count = count,
                           .describe = describe,
                           .select = [](int) { return 0; },
                           .release_cached = [] {
                               ++released;
                               return 0;
                           }};

}  // namespace
}  // namespace fairsweep::pretended

extern "C" __attribute__((visibility("default"))) const fairsweep::DevicePlugin* fairsweep_device_plugin() { return &fairsweep::pretended::kPlugin; }

extern "C" __attribute__((visibility("default"))) void pretended_gpu_fails_after(int allocations, int failures) {
    fairsweep::pretended::region().fail_after(allocations, failures);
}

extern "C" __attribute__((visibility("default"))) int pretended_gpu_released() { return fairsweep::pretended::released; }

// NCCL by its names.
using namespace fairsweep;
namespace {
const NcclTable& nccl() {
    static const NcclTable table = nccl_double::context().nccl;
    return table;
}
}  // namespace
extern "C" {
#define FAIRSWEEP_EXPORTED __attribute__((visibility("default")))
FAIRSWEEP_EXPORTED NcclResult ncclGetVersion(int* version) { return nccl().get_version(version); }
FAIRSWEEP_EXPORTED NcclResult ncclGetUniqueId(NcclUniqueId* id) { return nccl().get_unique_id(id); }
FAIRSWEEP_EXPORTED NcclResult ncclCommInitRankConfig(NcclHandle** handle, int ranks, NcclUniqueId id, int rank, NcclConfig* config) {
    return nccl().init_rank_config(handle, ranks, id, rank, config);
}
FAIRSWEEP_EXPORTED NcclResult ncclCommFinalize(NcclHandle* handle) { return nccl().finalize(handle); }
FAIRSWEEP_EXPORTED NcclResult ncclCommDestroy(NcclHandle* handle) { return nccl().destroy(handle); }
FAIRSWEEP_EXPORTED NcclResult ncclCommAbort(NcclHandle* handle) { return nccl().abort(handle); }
FAIRSWEEP_EXPORTED NcclResult ncclCommGetAsyncError(NcclHandle* handle, NcclResult* state) { return nccl().get_async_error(handle, state); }
FAIRSWEEP_EXPORTED const char* ncclGetErrorString(NcclResult result) { return nccl().get_error_string(result); }
FAIRSWEEP_EXPORTED const char* ncclGetLastError(NcclHandle* handle) { return nccl().get_last_error(handle); }
FAIRSWEEP_EXPORTED NcclResult ncclGroupStart() { return nccl().group_start(); }
FAIRSWEEP_EXPORTED NcclResult ncclGroupEnd() { return nccl().group_end(); }
FAIRSWEEP_EXPORTED NcclResult ncclSend(const void* from, std::size_t count, int type, int peer, NcclHandle* handle, void* stream) {
    return nccl().send(from, count, type, peer, handle, stream);
}
FAIRSWEEP_EXPORTED NcclResult ncclRecv(void* to, std::size_t count, int type, int peer, NcclHandle* handle, void* stream) {
    return nccl().recv(to, count, type, peer, handle, stream);
}
FAIRSWEEP_EXPORTED NcclResult ncclAllGather(const void* part, void* all, std::size_t count, int type, NcclHandle* handle, void* stream) {
    return nccl().all_gather(part, all, count, type, handle, stream);
}
FAIRSWEEP_EXPORTED NcclResult ncclBroadcast(const void* from, void* to, std::size_t count, int type, int root, NcclHandle* handle, void* stream) {
    return nccl().broadcast(from, to, count, type, root, handle, stream);
}
}
