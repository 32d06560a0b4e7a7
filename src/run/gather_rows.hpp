#pragma once
/// Rows of a matrix that ranks computed, brought together on rank 0.
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "mpi/link.hpp"

namespace fairsweep {

/// Calls `work` once on every rank of the launcher that this process runs under, else once. Its link is good for gather_rows().
void run_on_all_ranks(const std::function<void(Link& link)>& work);

/// Rows [first, second) of `rank` when `rows` rows are cut into `ranks` contiguous parts at multiples of `batch`.
[[nodiscard]] std::pair<std::uint64_t, std::uint64_t> part_of(std::uint64_t rows, std::uint64_t batch, int rank, int ranks);

/// Every rank calls it. `compute(begin, end)` gives this rank's rows [end - begin, columns]. Rank 0 returns all rows, the others
/// nothing. An Error of any rank is thrown on rank 0, once; the rank that had it waits there to be ended with the job.
[[nodiscard]] std::vector<float> gather_rows(Link& link, std::uint64_t rows, std::uint64_t columns, std::uint64_t batch,
                                             const std::function<std::vector<float>(std::uint64_t, std::uint64_t)>& compute);

}  // namespace fairsweep
