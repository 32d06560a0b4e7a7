#pragma once
/// A team of GPUs: Collective over NCCL's table of functions and the device's. It needs neither nccl.h nor CUDA.
///
/// NCCL moves bytes and adds nothing. A reduction is an exchange of slices, additions by the device's own kernel in the order of
/// tree_sum.hpp, and a gathering of the sums: the same bits for every size of a team, whichever algorithm NCCL chooses. min and
/// max go the same way, since NCCL's own drop a NaN (fminf, fmaxf).
///
/// A dead peer is no error to NCCL: the deadline of wait() finds it.
#include <functional>
#include <memory>
#include <optional>

#include "collective/communicator_cache.hpp"

namespace fairsweep {

/// How the team's unique id gets from its rank 0 to the others; neither may block.
struct UniqueIdExchange {
    std::function<void(const NcclUniqueId&)> hand_out{};     ///< rank 0, once
    std::function<std::optional<NcclUniqueId>()> receive{};  ///< the others, again and again until it has come
};

/// `cache` must outlive it. Memory of the process may be used too, for small values: such an operation waits until all before it
/// are done, and nothing after it begins until it is.
[[nodiscard]] std::unique_ptr<Collective> make_nccl(CommunicatorCache& cache, const NcclContext& context, NcclTeam team,
                                                    UniqueIdExchange exchange);

}  // namespace fairsweep
