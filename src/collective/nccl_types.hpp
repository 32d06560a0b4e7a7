#pragma once
/// The few types and constants of NCCL's C interface that we use, under names of our own: fairsweep is built on machines that
/// have no nccl.h. tests/collective/nccl_header_test.cpp holds them against the real header where there is one.
#include <compare>
#include <cstddef>

namespace fairsweep {

struct NcclHandle;  ///< a communicator; ncclComm_t is a pointer to one

/// Which meeting the ranks of one communicator come to. Serves one initialisation.
struct NcclUniqueId {
    char internal[128];
    auto operator<=>(const NcclUniqueId&) const = default;
};

using NcclResult = int;
inline constexpr NcclResult kNcclSuccess = 0;
inline constexpr NcclResult kNcclUnhandledCudaError = 1;
inline constexpr NcclResult kNcclSystemError = 2;
inline constexpr NcclResult kNcclInternalError = 3;
inline constexpr NcclResult kNcclInvalidArgument = 4;
inline constexpr NcclResult kNcclInvalidUsage = 5;
inline constexpr NcclResult kNcclRemoteError = 6;
inline constexpr NcclResult kNcclInProgress = 7;

/// Bytes are the only type that NCCL sees of us: it moves them and adds nothing.
inline constexpr int kNcclUint8 = 1;

/// The configuration as NCCL 2.14 had it first. Later versions read `size` bytes, and give what `version` did not know its
/// default, so this one serves them all.
struct NcclConfig {
    std::size_t size = sizeof(NcclConfig);
    unsigned int magic = 0xcafebeef;
    unsigned int version = 21400;
    int blocking = 0;
};

}  // namespace fairsweep
