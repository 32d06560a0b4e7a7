/// Sums over the ranks of a CPU team against MPI_Allreduce, in turns in one run. Under mpirun; every rank runs it.
///
///   mpirun --oversubscribe --bind-to none -n 2 build/release/bench/bench_collective [--json] [--runs N]
///
/// `--mca coll_tuned_use_dynamic_rules 1 --mca coll_tuned_allreduce_algorithm N` makes Open MPI take its algorithm N.
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "fairsweep/error.hpp"
#include "mpi/mpi_teams.hpp"
#include "timing.hpp"

namespace {

using namespace fairsweep;

constexpr std::size_t kSizesBytes[] = {std::size_t{4} << 10, std::size_t{1} << 20, std::size_t{25} << 20, std::size_t{44} << 20};

/// Step and poll from one thread: what the messages and additions cost, without what the threads of a busy machine do to each
/// other.
void sum_as_team(MpiTeams& teams, Collective& team, std::vector<float>& values) {
    const Ticket ticket = team.all_reduce({values.data(), values.size(), Scalar::f32}, Reduction::sum);
    const bool yields = team.size() > static_cast<int>(std::thread::hardware_concurrency());  // as MPI under --oversubscribe
    OperationStatus progress = team.poll(ticket);
    while (progress.state == OperationStatus::State::running) {
        if (!teams.step() && yields) std::this_thread::yield();
        progress = team.poll(ticket);
    }
    if (progress.state == OperationStatus::State::failed) throw_infrastructure({.attempted = "cannot sum", .found = progress.why});
}

void sum_by_mpi(std::vector<float>& values) {
    MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

/// From the moment when all ranks are there to the moment when all have the sum.
template <class Sum>
double seconds_together(const Sum& sum) {
    MPI_Barrier(MPI_COMM_WORLD);
    return seconds_of([&] {
        sum();
        MPI_Barrier(MPI_COMM_WORLD);
    });
}

nlohmann::json race(MpiTeams& teams, Collective& team, std::size_t size_bytes, int runs) {
    const std::vector<float> start(size_bytes / sizeof(float), 0.5F + static_cast<float>(team.rank()));
    std::vector<float> ours, theirs;
    std::vector<double> ours_s, theirs_s, ratios;
    for (int run = -2; run < runs; ++run) {  // the first two warm up
        ours = start;
        theirs = start;
        double a = 0, b = 0;
        const auto first = [&] { a = seconds_together([&] { sum_as_team(teams, team, ours); }); };
        const auto second = [&] { b = seconds_together([&] { sum_by_mpi(theirs); }); };
        run % 2 == 0 ? (first(), second()) : (second(), first());
        if (ours.back() != theirs.back()) throw_infrastructure({.attempted = "the two sums differ"});
        if (run < 0) continue;
        ours_s.push_back(a);
        theirs_s.push_back(b);
        ratios.push_back(b / a);
    }
    return {{"size_bytes", size_bytes},
            {"team_ms", 1e3 * median(ours_s)},
            {"mpi_ms", 1e3 * median(theirs_s)},
            {"speedup", median(ratios)}};
}

std::string algorithm() {
    const char* number = std::getenv("OMPI_MCA_coll_tuned_allreduce_algorithm");
    return number == nullptr ? "its own choice" : std::string("algorithm ") + number;
}

void print(const nlohmann::json& results, int ranks, int runs, bool json) {
    if (json) {
        std::cout << nlohmann::json{{"figure", "time of MPI_Allreduce over time of a team's sum"},
                                    {"unit", "ratio"},
                                    {"ranks", ranks},
                                    {"runs", runs},
                                    {"mpi", algorithm()},
                                    {"results", results}}
                         .dump(2)
                  << "\n";
        return;
    }
    std::printf("%d ranks, MPI_Allreduce by %s, medians of %d runs:\n", ranks, algorithm().c_str(), runs);
    for (const nlohmann::json& r : results)
        std::printf("  %8.0f kB  team %9.3f ms  MPI %9.3f ms  %.2f times as fast\n", r["size_bytes"].get<double>() / 1024,
                    r["team_ms"].get<double>(), r["mpi_ms"].get<double>(), r["speedup"].get<double>());
}

}  // namespace

int main(int argc, char** argv) {
    bool json = false;
    int runs = 15;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--json") json = true;
        if (word == "--runs" && i + 1 < argc) runs = std::max(1, std::atoi(argv[++i]));
    }
    try {
        MpiSession session;
        {
            MpiTeams teams(session);
            std::vector<int> ranks(static_cast<std::size_t>(session.size()));
            std::iota(ranks.begin(), ranks.end(), 0);
            const auto team = teams.make(1, ranks);
            nlohmann::json results = nlohmann::json::array();
            for (const std::size_t size_bytes : kSizesBytes) results.push_back(race(teams, *team, size_bytes, runs));
            if (session.rank() == 0) print(results, session.size(), runs, json);
        }
        session.finish();
    } catch (const Error& error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
    return 0;
}
