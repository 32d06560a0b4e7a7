/// Our declarations of NCCL's interface against its own header, where there is one (nccl.h needs CUDA's headers too).
#include <cstddef>
#include <iostream>
#include <type_traits>

#include "collective/nccl_table.hpp"
#include "support/catch.hpp"

#if __has_include(<nccl.h>) && __has_include(<cuda_runtime.h>) && __has_include(<cuda_fp16.h>)
#include <nccl.h>

namespace fairsweep {
namespace {

static_assert(sizeof(NcclUniqueId) == sizeof(ncclUniqueId) && alignof(NcclUniqueId) == alignof(ncclUniqueId));
static_assert(std::is_trivially_copyable_v<NcclUniqueId> && std::is_standard_layout_v<NcclUniqueId>);

static_assert(kNcclSuccess == ncclSuccess && kNcclUnhandledCudaError == ncclUnhandledCudaError);
static_assert(kNcclSystemError == ncclSystemError && kNcclInternalError == ncclInternalError);
static_assert(kNcclInvalidArgument == ncclInvalidArgument && kNcclInvalidUsage == ncclInvalidUsage);
static_assert(kNcclRemoteError == ncclRemoteError && kNcclInProgress == ncclInProgress);
static_assert(kNcclUint8 == ncclUint8);
static_assert(sizeof(NcclResult) == sizeof(ncclResult_t) && sizeof(int) == sizeof(ncclDataType_t));

// What we fill is where NCCL reads it; what comes after it is not read of a configuration as old as ours says it is.
static_assert(offsetof(NcclConfig, size) == offsetof(ncclConfig_t, size) &&
              sizeof(NcclConfig::size) == sizeof(ncclConfig_t::size));
static_assert(offsetof(NcclConfig, magic) == offsetof(ncclConfig_t, magic));
static_assert(offsetof(NcclConfig, version) == offsetof(ncclConfig_t, version));
static_assert(offsetof(NcclConfig, blocking) == offsetof(ncclConfig_t, blocking));
static_assert(sizeof(NcclConfig) <= sizeof(ncclConfig_t) && NCCL_VERSION(2, 14, 0) == kOldestNccl);

/// Whether a function of the table has as many parameters as the real one, each of the same size and kind.
template <class Ours, class Theirs>
struct SameShape : std::false_type {};
template <class R, class... A, class S, class... B>
requires(sizeof...(A) == sizeof...(B)) struct SameShape<R (*)(A...), S (*)(B...)>
    : std::bool_constant<sizeof(R) == sizeof(S) && ((sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B> &&
                                                     std::is_class_v<A> == std::is_class_v<B>)&&...)> {
};
template <class Ours, class Theirs>
inline constexpr bool same_shape = SameShape<Ours, Theirs>::value;

static_assert(same_shape<decltype(NcclTable::get_version), decltype(&ncclGetVersion)>);
static_assert(same_shape<decltype(NcclTable::get_unique_id), decltype(&ncclGetUniqueId)>);
static_assert(same_shape<decltype(NcclTable::init_rank_config), decltype(&ncclCommInitRankConfig)>);
static_assert(same_shape<decltype(NcclTable::finalize), decltype(&ncclCommFinalize)>);
static_assert(same_shape<decltype(NcclTable::destroy), decltype(&ncclCommDestroy)>);
static_assert(same_shape<decltype(NcclTable::abort), decltype(&ncclCommAbort)>);
static_assert(same_shape<decltype(NcclTable::get_async_error), decltype(&ncclCommGetAsyncError)>);
static_assert(same_shape<decltype(NcclTable::get_error_string), decltype(&ncclGetErrorString)>);
static_assert(same_shape<decltype(NcclTable::get_last_error), decltype(&ncclGetLastError)>);
static_assert(same_shape<decltype(NcclTable::group_start), decltype(&ncclGroupStart)>);
static_assert(same_shape<decltype(NcclTable::group_end), decltype(&ncclGroupEnd)>);
static_assert(same_shape<decltype(NcclTable::send), decltype(&ncclSend)>);
static_assert(same_shape<decltype(NcclTable::recv), decltype(&ncclRecv)>);
static_assert(same_shape<decltype(NcclTable::all_gather), decltype(&ncclAllGather)>);
static_assert(same_shape<decltype(NcclTable::broadcast), decltype(&ncclBroadcast)>);
#if NCCL_VERSION_CODE >= 22809
static_assert(same_shape<decltype(NcclTable::split), decltype(&ncclCommSplit)>);
static_assert(same_shape<decltype(NcclTable::shrink), decltype(&ncclCommShrink)>);
static_assert(same_shape<decltype(NcclTable::revoke), decltype(&ncclCommRevoke)>);
#endif

TEST_CASE("NCCL's header agrees with our declarations") {
    std::cout << "compared with nccl.h of " << nccl_version_text(NCCL_VERSION_CODE) << '\n';
    SUCCEED();  // it compiled
}

}  // namespace
}  // namespace fairsweep
#else
TEST_CASE("NCCL's header agrees with our declarations") { std::cout << "SKIPPED 1: there is no nccl.h with CUDA's headers\n"; }
#endif
