#pragma once
/// Teams of ranks that have a GPU each: memory of the GPUs goes over NCCL, memory of the processes over the team below (MPI), which also
/// hands NCCL's unique id round.
#include <memory>
#include <vector>

#include "collective/communicator_cache.hpp"
#include "collective/nccl_device.hpp"
#include "fairsweep/collective.hpp"

namespace fairsweep {

/// Of one process: its NCCL, and the communicators that it keeps between stages.
class GpuTeams {
public:
    /// `device`: of the process's own GPU. Throws an infrastructure error where there is no NCCL.
    explicit GpuTeams(const DeviceCalls& device);

    /// `below` must outlive it; `ranks` of the run, in the order of the team. Returns when all ranks have come: a team's communicator
    /// is made before the first step. Throws a TeamError. Collective.
    [[nodiscard]] std::unique_ptr<Collective> make(Collective& below, const std::vector<int>& ranks);

private:
    NcclContext context_;
    CommunicatorCache cache_;
};

}  // namespace fairsweep
