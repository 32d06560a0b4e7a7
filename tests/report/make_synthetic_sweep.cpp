/// make_synthetic_sweep STORE ANALYSIS SCORES.csv: a finished store with planted effects, the analysis file that merge makes
/// of it, and its scores for other programs to compute with.
#include <cstdio>
#include <exception>
#include <fstream>

#include "report/synthetic_sweep.hpp"
#include "store/merge.hpp"
#include "store/store.hpp"

namespace {

using namespace fairsweep;
using namespace fairsweep::testing;

void make(const std::filesystem::path& store_path, const std::filesystem::path& analysis_path,
          const std::filesystem::path& csv_path) {
    const Plan plan = synthetic_plan();
    const ItemTable pairs = synthetic_pairs();
    std::vector<StageOutcome> outcomes;
    Store store = Store::open_for_update(store_path, plan, pairs);
    for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
        Row row = synthetic_row(plan.stages[stage]);
        outcomes.push_back(synthetic_outcome(plan, pairs, stage));
        row.outcome = outcomes.back();
        row.outcome.scores.clear();
        store.append(row, outcomes.back().scores);
    }
    store.sync();
    store.close();
    merge_stores(std::span(&store_path, 1), analysis_path, "0.1.0 (commit synthetic)");

    std::ofstream csv(csv_path);
    csv.precision(9);
    csv << "point,group,genuine,score\n";
    for (const Point& point : plan.points) {
        const std::vector<float>& scores = outcomes[point.evaluation_stage].scores;
        for (std::size_t g = 0; g < pairs.groups.size(); ++g) {
            for (std::uint32_t p = pairs.group_begin[g]; p < pairs.group_begin[g + 1]; ++p) {
                csv << point.id.hex() << ',' << pairs.groups[g] << ',' << int{pairs.label[p]} << ',' << scores[p] << '\n';
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return std::fputs("usage: make_synthetic_sweep STORE ANALYSIS SCORES.csv\n", stderr), 2;
    try {
        make(argv[1], argv[2], argv[3]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
