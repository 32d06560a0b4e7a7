/// make_large_sweep STORE POINTS PAIRS [FIRST_SEED]: a finished store of at least so many points over so many pairs, of which no
/// network was trained: what the memory of merge and analyze is measured on. Stores with other seeds have other points.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "report/synthetic_sweep.hpp"
#include "store/store.hpp"

namespace {

using namespace fairsweep;
using namespace fairsweep::testing;

constexpr std::uint64_t kSeeds = 5;
constexpr std::size_t kPointsOfTrainingSet = 485;  // 1 dense, 2 sham and 94 compressed configurations of five seeds

Plan large_plan(std::size_t points, std::uint64_t first_seed) {
    Sweep sweep = synthetic_sweep();
    sweep.seeds.clear();
    for (std::uint64_t seed = first_seed; seed < first_seed + kSeeds; ++seed) sweep.seeds.push_back(seed);
    sweep.values(Axis::architecture) = {"iresnet10-w16-56"};
    sweep.values(Axis::training_set).clear();
    for (std::size_t i = 0; i * kPointsOfTrainingSet < points; ++i) {
        const std::string name = "faces" + std::to_string(i);
        sweep.values(Axis::training_set).emplace_back(name);
        sweep.data[name] = {name, "recordio", name, {}};
    }
    sweep.values(Axis::bits) = {Bits{32, 32}, Bits{8, 8}, Bits{6, 6}, Bits{5, 5}, Bits{4, 4}, Bits{4, 8}, Bits{3, 3}, Bits{2, 2}};
    sweep.values(Axis::sparsity) = {0.0, 0.3, 0.5, 0.7, 0.8, 0.9};
    return synthetic_plan(sweep);
}

/// The synthetic scores of a point, and a little of its own.
std::vector<float> large_scores(const ItemTable& pairs, const Point& point) {
    std::vector<float> scores = synthetic_scores(pairs, point);
    RandomStream own(1, point.id.prefix(), "large");
    for (float& score : scores) score = std::clamp(score + 0.01F * static_cast<float>(own.normal()), -1.0F, 1.0F);
    return scores;
}

void make(const std::filesystem::path& path, std::size_t points, std::uint32_t pairs_wanted, std::uint64_t first_seed) {
    const Plan plan = large_plan(points, first_seed);
    const std::uint32_t fold_pairs = std::max(4U, pairs_wanted / 40);
    const ItemTable pairs = synthetic_pairs(5 * fold_pairs, fold_pairs);
    std::vector<const Point*> point_of(plan.stages.size(), nullptr);
    for (const Point& point : plan.points) point_of[point.evaluation_stage] = &point;
    Store store = Store::open_for_update(path, plan, pairs);
    for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
        Row row = synthetic_row(plan.stages[stage]);
        row.outcome = synthetic_outcome(stage);
        if (point_of[stage] != nullptr) put_scores(row.outcome, pairs, large_scores(pairs, *point_of[stage]));
        const std::vector<float> scores = std::move(row.outcome.scores);
        row.outcome.scores.clear();
        store.append(row, scores);
        if (stage % 500 == 0) store.sync();
    }
    store.close();
    std::printf("%s: %zu points, %u pairs\n", path.c_str(), plan.points.size(), pairs.size());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4 || argc > 5) return std::fputs("usage: make_large_sweep STORE POINTS PAIRS [FIRST_SEED]\n", stderr), 2;
    try {
        make(argv[1], std::stoul(argv[2]), static_cast<std::uint32_t>(std::stoul(argv[3])), argc == 5 ? std::stoul(argv[4]) : 1);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
