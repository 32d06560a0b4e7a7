// Writes a store, a merged analysis file with a result table, and what h5py must find there as plain text.
#include <cstdio>
#include <filesystem>

#include "store/analysis_file.hpp"
#include "store/merge.hpp"
#include "store_fixture.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

int main() {
    const Plan plan = make_plan(3);
    const ItemTable pairs = make_pairs();
    Store store = Store::open_for_update("sweep.h5", plan, pairs);
    for (std::size_t stage = 0; stage < 6; ++stage) append_stage(store, plan, pairs, stage);
    Row failed = make_row(plan.stages[6], 6);
    failed.outcome.state = StageState::failed;
    failed.outcome.failure = FailureClass::out_of_memory;
    store.append(failed, {});
    store.close();
    const std::vector<std::filesystem::path> stores{"sweep.h5"};
    merge_stores(stores, "analysis.h5", "example");
    const ResultTable table{
        "example",
        {{"name", "", std::vector<std::string>{"a", "bb"}}, {"value", "percent", std::vector<double>{1.5, 2.5}}},
        {{"ddof", "1"}}};
    write_result_tables("analysis.h5", std::vector<ResultTable>{table});
    for (const Stage& stage : plan.stages) std::printf("%s\n", stage.id.hex().c_str());
    return 0;
}
