#include "store/same_evaluation.hpp"

#include <fmt/format.h>

#include "fairsweep/error.hpp"
#include "store/data_conflict.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_other_set(const fs::path& path, const std::string& found, const std::string& expected) {
    throw_store({.attempted = "this store holds results on another evaluation set",
                 .where = path.string(),
                 .found = found,
                 .expected = expected,
                 .hint = "give this job a store of its own (--store)"});
}

}  // namespace

void check_same_evaluation(const std::filesystem::path& path, const StoreContents& held, const Plan& plan,
                           const ItemTable* pairs) {
    if (held.plan.groups != plan.groups) {
        refuse_other_set(path, fmt::format("{} groups in the job", plan.groups.size()),
                         fmt::format("the {} of the store", held.plan.groups.size()));
    }
    if (held.plan.task != plan.task) refuse_other_set(path, "task " + plan.task, "task " + held.plan.task);
    if (pairs != nullptr && !same_pairs(held.pairs, *pairs)) {
        refuse_other_set(path, fmt::format("{} pairs that differ from the store's", pairs->size()),
                         fmt::format("the {} pairs it was made with", held.pairs.size()));
    }
    if (const auto conflict = data_conflict(held.plan, plan))
        throw_store({.attempted = "this store holds results on other data",
                     .where = path.string(),
                     .found = conflict->found,
                     .expected = conflict->expected,
                     .hint = "results on different data must not be compared as if they were on the same: give the set another "
                             "name in the job ([data.NAME]), or the job a store of its own (--store)"});
}

}  // namespace fairsweep
