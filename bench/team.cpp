/// What a team of two ranks gains: a training step of 16 images by two ranks of one thread each, against one rank with two threads, in
/// turns in one run; and how much of the step is communication that is not hidden. Under mpirun; both ranks run it.
///
///   mpirun --oversubscribe --bind-to none -n 2 build/release/bench/bench_team [--json] [--runs N] [--architecture NAME]
#include <mpi.h>
#include <torch/torch.h>

#include <atomic>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "compress/distillation.hpp"
#include "compress/quantisation.hpp"
#include "fairsweep/error.hpp"
#include "model/network.hpp"
#include "mpi/mpi_teams.hpp"
#include "run/clocks.hpp"
#include "study/sharded_step.hpp"
#include "study/stage_context.hpp"
#include "study/tensors.hpp"
#include "timing.hpp"

namespace {

using namespace fairsweep;

constexpr std::int64_t kImages = 16;
constexpr auto kPause = std::chrono::milliseconds(1);

/// Until all ranks are there; who waits leaves the cores to the others.
void meet() {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    for (int met = 0; met == 0;) {
        MPI_Test(&request, &met, MPI_STATUS_IGNORE);
        if (met == 0) std::this_thread::sleep_for(kPause);
    }
}

/// A quantised network in training, as the compression stage trains it, in so many parts, of which a team shares out.
class Trainer {
public:
    Trainer(const std::string& architecture, std::int64_t images, int shards, Collective* team)
        : monitor_{.on_progress = {}, .stop_requested = {}, .team = team},
          network_(prepared(architecture)),
          optimiser_(*network_, {}, recipe_, 0.01),
          context_{.order = order_, .parameters = {}, .folder = {}, .monitor = monitor_, .caches = caches_},
          sharded_(context_, *network_, shards),
          faces_(torch::rand({images, 3, network_->input_size(), network_->input_size()})
                     .mul_(2)
                     .sub_(1)
                     .contiguous(torch::MemoryFormat::ChannelsLast)),
          teacher_(torch::nn::functional::normalize(torch::randn({images, network_->embedding_size()}))) {}

    void step() {
        const auto losses = sharded_.run(step_++, optimiser_, [&](int part) {
            network_->set_dropout(recipe_.dropout, static_cast<std::uint64_t>(part));
            const std::int64_t images = faces_.size(0) / sharded_.parts().shards, first = part * images;
            const torch::Tensor outputs = network_->forward(faces_.slice(0, first, first + images));
            return ShardedStep::PartLoss{embedding_loss(outputs, teacher_.slice(0, first, first + images), 1.0)};
        });
        if (!losses || !std::isfinite(losses->loss)) throw_infrastructure({.attempted = "the loss is not finite"});
    }

private:
    static std::shared_ptr<Network> prepared(const std::string& architecture) {
        std::shared_ptr<Network> network = make_network(architecture, 1);
        set_quantisers(*network, Bits{8, 8});
        network->train();
        return network;
    }
    Recipe recipe_{};
    StageOrder order_{};
    std::int64_t step_ = 0;
    StageMonitor monitor_;
    FaceCaches caches_{0};
    std::shared_ptr<Network> network_;
    Optimiser optimiser_;
    StageContext context_;
    ShardedStep sharded_;
    torch::Tensor faces_, teacher_;
};

/// The step on a thread of its own while this one moves the team on, as a rank of a run does.
double seconds_with_team(MpiTeams& teams, Trainer& trainer, int threads) {
    meet();
    return seconds_of([&] {
        std::atomic<bool> is_over = false;
        std::thread stage([&] {
            at::set_num_threads(threads);
            trainer.step();
            is_over = true;
        });
        IdleWait wait;
        while (!is_over) wait.after(teams.step());
        stage.join();
        meet();
    });
}

/// Of rank 0 alone, or of all ranks apart.
double seconds_apart(bool works, Trainer& trainer, int threads) {
    meet();
    return seconds_of([&] {
        std::thread stage([&] {
            at::set_num_threads(threads);
            if (works) trainer.step();
        });
        stage.join();
        meet();
    });
}

struct Times {
    std::vector<double> alone_s, alone_in_parts_s, team_s, apart_s, speedups, exposed_shares;
};

Times race(const std::string& architecture, MpiTeams& teams, Collective& team, int runs) {
    const bool is_first = team.rank() == 0;
    Trainer alone(architecture, kImages, 1, nullptr), alone_in_parts(architecture, kImages, 2, nullptr);
    Trainer half(architecture, kImages / 2, 1, nullptr), together(architecture, kImages, 2, &team);
    Times times;
    for (int run = -1; run < runs; ++run) {  // the first warms up
        const double one = seconds_apart(is_first, alone, 2), parts = seconds_apart(is_first, alone_in_parts, 2);
        const double both = seconds_with_team(teams, together, 1), apart = seconds_apart(true, half, 1);
        if (run < 0) continue;
        times.alone_s.push_back(one);
        times.alone_in_parts_s.push_back(parts);
        times.team_s.push_back(both);
        times.apart_s.push_back(apart);
        times.speedups.push_back(std::min(one, parts) / both);
        times.exposed_shares.push_back(std::max(0.0, both - apart) / both);
    }
    return times;
}

nlohmann::json to_json(const std::string& architecture, const Times& times, int runs) {
    return {{"figure", median(times.speedups)},
            {"unit", "times as fast as one rank with two threads"},
            {"architecture", architecture},
            {"images", kImages},
            {"one_rank_s", median(times.alone_s)},
            {"one_rank_in_two_parts_s", median(times.alone_in_parts_s)},
            {"team_s", median(times.team_s)},
            {"two_ranks_apart_s", median(times.apart_s)},
            {"exposed_share", median(times.exposed_shares)},
            {"runs", runs}};
}

void print(const nlohmann::json& r) {
    std::printf("%s, %lld images, medians of %d runs:\n", r["architecture"].get<std::string>().c_str(), static_cast<long long>(kImages),
                r["runs"].get<int>());
    std::printf("  one rank, 2 threads  %7.3f s   in two parts %7.3f s\n", r["one_rank_s"].get<double>(), r["one_rank_in_two_parts_s"].get<double>());
    std::printf("  two ranks, 1 thread  %7.3f s   without their team %7.3f s\n", r["team_s"].get<double>(), r["two_ranks_apart_s"].get<double>());
    std::printf("  the team is %.2f times as fast as the better of one rank; %.0f %% of its step is communication that is not hidden\n",
                r["figure"].get<double>(), 100.0 * r["exposed_share"].get<double>());
}

}  // namespace

int main(int argc, char** argv) {
    bool json = false;
    int runs = 9;
    std::string architecture = "iresnet18";
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--json") json = true;
        if (word == "--runs" && i + 1 < argc) runs = std::max(1, std::atoi(argv[++i]));
        if (word == "--architecture" && i + 1 < argc) architecture = argv[++i];
    }
    try {
        MpiSession session;
        if (session.size() != 2) throw_usage({.attempted = "cannot race", .found = std::to_string(session.size()) + " ranks", .expected = "2"});
        {
            make_torch_deterministic(1);
            MpiTeams teams(session);
            const auto team = teams.make(1, {0, 1});
            const Times times = race(architecture, teams, *team, runs);
            const nlohmann::json result = to_json(architecture, times, runs);
            if (session.rank() == 0 && json) std::cout << result.dump(2) << "\n";
            if (session.rank() == 0 && !json) print(result);
        }
        session.finish();
    } catch (const Error& error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
    return 0;
}
