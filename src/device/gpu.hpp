#pragma once
/// The GPU of this process. A rank has one GPU, and a GPU has one rank of all that run on its machine, sweeps of others included. No
/// torch in this header.
#include <vector>

#include "device/plugin.hpp"

namespace fairsweep {

struct Gpu {
    const DevicePlugin* plugin = nullptr;
    int index = 0;  ///< as the driver counts those that this process may see
    DeviceDescription description{};
};

/// The order in which a rank asks for `count` GPUs: that of its number among the ranks of its machine first, then round.
[[nodiscard]] std::vector<int> gpu_order(int local_rank, int count);
/// That number, as mpirun (OMPI_COMM_WORLD_LOCAL_RANK) or srun (SLURM_LOCALID) tells it; 0 without either.
[[nodiscard]] int local_rank();

/// How many ranks the GPUs that this process sees have room for. Throws an infrastructure error where it sees none.
[[nodiscard]] int gpu_ranks();

/// Takes a GPU and installs its operations, once: later calls return the same. It stays taken until the process ends, however it
/// ends: its bus id is the name of a socket of the machine. Throws an infrastructure error where there is no plugin, no GPU, or none
/// that is free. FAIRSWEEP_RANKS_PER_GPU lets several ranks share one.
/// To be called before this process uses torch: what torch finds of devices at its first use, it keeps.
[[nodiscard]] const Gpu& own_gpu();

}  // namespace fairsweep
