#pragma once
/// The life of MPI in a process, and the link over it. Only the calls that fairsweep needs, every return code checked; no
/// call here blocks but the start and finish(). MPI_THREAD_FUNNELED: use from the main thread only.
///
/// No collectives: a dead peer would leave the others waiting for ever (Open MPI 4.1 reports no error). After the loss of a
/// rank MPI must not be finished either: flush and _exit.
#include <memory>

#include "mpi/link.hpp"

namespace fairsweep {

/// True when a launcher started this process (OMPI_COMM_WORLD_SIZE or PMIX_RANK is set); SLURM_* does not count.
[[nodiscard]] bool is_under_launcher();

class MpiSession {
public:
    /// Collective. Throws an infrastructure error naming the call when MPI cannot be started or gives too few thread rights.
    MpiSession();
    ~MpiSession();  ///< does not finish MPI: whoever knows that all ranks are well calls finish()
    MpiSession(const MpiSession&) = delete;
    MpiSession& operator=(const MpiSession&) = delete;

    [[nodiscard]] int rank() const { return rank_; }
    [[nodiscard]] int size() const { return size_; }
    /// A link over all ranks. `max_bytes` bounds what is accepted. The session must outlive it.
    [[nodiscard]] std::unique_ptr<Link> make_link(std::size_t max_bytes);
    void finish();  ///< Collective: MPI_Finalize

private:
    int rank_ = 0;
    int size_ = 1;
};

}  // namespace fairsweep
