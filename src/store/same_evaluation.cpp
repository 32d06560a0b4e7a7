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
                           const ItemTable* items) {
    if (held.plan.groups != plan.groups) {
        refuse_other_set(path, fmt::format("{} groups in the job", plan.groups.size()),
                         fmt::format("the {} of the store", held.plan.groups.size()));
    }
    if (held.plan.task != plan.task) refuse_other_set(path, "task " + plan.task, "task " + held.plan.task);
    if (held.plan.classes != plan.classes) {
        refuse_other_set(path, fmt::format("classes {}", fmt::join(plan.classes, ", ")),
                         fmt::format("{}", fmt::join(held.plan.classes, ", ")));
    }
    if (items != nullptr && held.items != *items) {
        const char* const what = task_info(plan.task).items;
        refuse_other_set(path, fmt::format("{} {} that differ from the store's", items->size(), what),
                         fmt::format("the {} {} it was made with", held.items.size(), what));
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
