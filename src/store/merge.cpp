#include "store/merge.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/new_file.hpp"
#include "plan/recipes.hpp"
#include "plan/stage_kinds.hpp"
#include "plan/tasks.hpp"
#include "store/data_conflict.hpp"
#include "store/analysis_points.hpp"
#include "store/seal.hpp"
#include "store/known_files.hpp"
#include "store/layout.hpp"
#include "plan/point_state.hpp"
#include "store/store.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Where a point of the analysis file comes from.
struct Origin {
    std::size_t store = 0;
    PointIndex point = 0;
    StageState state = StageState::waiting;
    std::vector<Origin> others{};  ///< the same point in other stores
};

AnalysisPoint make_point(const StoreReader& store, const Origin& origin) {
    const Plan& plan = store.plan();
    AnalysisPoint result;
    result.point = plan.points[origin.point];
    result.state = origin.state;
    const Stage& network_stage = plan.stages[result.point.network_stage];
    const Row* evaluation = store.row(result.point.id);
    std::vector<StageIndex> stages = measuring_stages(result.point);
    stages.insert(stages.begin(), result.point.network_stage);
    result.point.network_stage = 0;
    result.point.evaluation_stage = 0;
    result.point.measurements.clear();
    result.network_id = network_stage.id;
    result.recipes = recipes_of(plan, network_stage);
    for (double& value : result.measured) value = kNan;
    for (const StageIndex index : stages) {
        const Stage& stage = plan.stages[index];
        const Row* row = store.row(stage.id);
        if (row == nullptr) continue;
        result.attempts += row->attempt;
        result.wall_s += row->outcome.wall_s;
        result.peak_memory_bytes = std::max(result.peak_memory_bytes, row->outcome.peak_memory_bytes);
        result.code_version = store.code_version(row->stage_id);
        if (row->outcome.state != StageState::done && result.failure == FailureClass::none) {
            result.failure = row->outcome.failure;
            result.message = row->outcome.message;
        }
        // A network that diverged has its losses; what measures a point counts when it is done.
        const StageKindInfo& kind = info_of(stage.kind);
        if (kind.measures_points && row->outcome.state != StageState::done) continue;
        for (const Metric metric : kind.metrics) result.measured[metric] = row->outcome.measured[metric];
    }
    if (result.state == StageState::done) {
        result.figures = evaluation->outcome.groups;
        result.figures.resize(plan.groups.size(), std::vector<double>(task_info(plan.task).figures(plan.classes).size()));
    }
    return result;
}

/// A measurement that one store has of a point and another has not.
void fill_metrics(AnalysisPoint& point, const AnalysisPoint& other) {
    for (const Metric metric : all_of<Metric>()) {
        if (std::isnan(point.measured[metric])) point.measured[metric] = other.measured[metric];
    }
}

[[noreturn]] void refuse_merge(const fs::path& path, const std::string& found, const std::string& expected,
                               const std::string& hint) {
    throw_store({.attempted = "these stores cannot be merged",
                 .where = path.string(),
                 .found = found,
                 .expected = expected,
                 .hint = hint});
}

void check_mergeable(const StoreReader& first, const StoreReader& other, const fs::path& first_path, const fs::path& path) {
    const std::string hint = "merge only stores that were evaluated on the same set";
    const std::string as_in = " as in " + first_path.string();
    const Plan& plan = first.plan();
    if (plan.task != other.plan().task) refuse_merge(path, "task " + other.plan().task, plan.task + as_in, hint);
    if (plan.groups != other.plan().groups)
        refuse_merge(path, fmt::format("groups {}", fmt::join(other.plan().groups, ", ")),
                     fmt::format("{}{}", fmt::join(plan.groups, ", "), as_in), hint);
    if (plan.classes != other.plan().classes)
        refuse_merge(path, fmt::format("classes {}", fmt::join(other.plan().classes, ", ")),
                     fmt::format("{}{}", fmt::join(plan.classes, ", "), as_in), hint);
    if (first.items() != other.items()) {
        const char* const what = task_info(plan.task).items;
        refuse_merge(path, fmt::format("{} {}, not all the same", other.items().size(), what),
                     fmt::format("the {} {}{}", first.items().size(), what, as_in), hint);
    }
    if (const auto conflict = data_conflict(plan, other.plan()))
        refuse_merge(path, conflict->found, conflict->expected + as_in,
                     "results on different data would be compared as if they were on the same: run one of the jobs again with "
                     "another name for its data set");
}

/// Points of all stores, each once, in the order in which they first come. A done one counts before others, then the store
/// that was named first.
std::vector<Origin> choose_points(std::span<const StoreReader> stores, MergeSummary& summary) {
    std::vector<Origin> origins;
    std::map<Digest, std::size_t> position;
    for (std::size_t s = 0; s < stores.size(); ++s) {
        const Plan& plan = stores[s].plan();
        const auto states = point_states(plan, stage_states(plan, stores[s].rows()));
        for (PointIndex p = 0; p < plan.points.size(); ++p) {
            Origin origin{s, p, states[p]};
            const auto [found, is_new] = position.emplace(plan.points[p].id, origins.size());
            if (is_new) {
                origins.push_back(origin);
                continue;
            }
            ++summary.duplicates;
            Origin& held = origins[found->second];
            const bool is_held_done = held.state == StageState::done;
            if (is_held_done && origin.state == StageState::done)
                compare_results(stores[held.store], stores[s], plan.points[p].id, summary.comparison);
            if (!is_held_done && origin.state == StageState::done) {
                std::swap(held, origin);
                held.others = std::exchange(origin.others, {});
            }
            held.others.push_back(std::move(origin));
        }
    }
    return origins;
}

template <typename Get>
std::string join_distinct(std::span<const StoreReader> stores, const char* separator, Get get) {
    std::vector<std::string> texts;
    for (const StoreReader& store : stores) {
        const std::string text = get(store.plan());
        if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
    }
    std::string joined;
    for (const std::string& text : texts) joined += (&text == &texts.front() ? "" : separator) + text;
    return joined;
}

/// What was read, as the ids know it: the hash, never the path.
std::vector<std::string> data_sets_of(std::span<const StoreReader> stores) {
    std::set<std::string> lines;
    for (const StoreReader& store : stores) {
        for (const auto& [name, data] : store.plan().data)
            lines.insert(fmt::format("{}: {}, {}{} images, {}", name, data.source.format, data.planted.empty() ? "" : "drawn, ",
                                     data.images, data.id.hex()));
    }
    return {lines.begin(), lines.end()};
}

/// What is known to be planted in the evaluation set. Empty where nothing is known, or
/// where stores contradict each other.
std::string planted_of(std::span<const StoreReader> stores) {
    std::set<std::string> texts;
    for (const StoreReader& store : stores) {
        for (const Stage& stage : store.plan().stages) {
            if (stage.kind != StageKind::prepare) continue;  // it reads the evaluation set
            for (const std::string& name : stage.data_sets) {
                const auto data = store.plan().data.find(name);
                if (data != store.plan().data.end() && !data->second.planted.empty()) texts.insert(data->second.planted);
            }
        }
    }
    if (texts.size() > 1) log_warning("the stores say different things about what was planted in the faces: nothing is reported");
    return texts.size() == 1 ? *texts.begin() : std::string();
}

/// Scores go from store to file point by point.
void build(std::span<const StoreReader> stores, std::span<const Origin> origins, const AnalysisInput& input, File& target) {
    h5::Writer file(target, h5::Storage::compressed);
    put_analysis_input(file, input);
    for (const Metric metric : all_of<Metric>()) {
        if (*unit_of(metric) != '\0') file.set_attribute(std::string("/points/") + name_of(metric), "unit", unit_of(metric));
    }
    file.set_attribute("/points/wall_s", "unit", "s");
    file.set_attribute("/points/peak_memory_bytes", "unit", "bytes");
    const std::size_t values = values_per_item(task_info(input.task), input.classes);
    const hsize_t responses = input.items.size() * values;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    {
        const h5::DatasetHandle scores = file.make("/scores", H5T_IEEE_F32LE, {origins.size(), responses}, &nan);
        for (std::size_t i = 0; i < origins.size() && responses > 0; ++i) {
            if (origins[i].state != StageState::done) continue;
            const StoreReader& store = stores[origins[i].store];
            file.put_rows(scores, i, 1, responses, store.scores(store.plan().points[origins[i].point].id));
        }
    }
    if (values > 1) file.set_attribute("/scores", "values_per_item", static_cast<std::uint32_t>(values));
    file.finish_file();
}

}  // namespace

MergeSummary merge_stores(std::span<const fs::path> paths, const fs::path& output, const std::string& code_version) {
    std::vector<StoreReader> stores;
    for (const fs::path& path : paths) {
        stores.emplace_back(path);
        for (const std::string& warning : stores.back().warnings()) log_warning(warning);
        for (std::size_t i = 0; i + 1 < stores.size(); ++i) check_mergeable(stores[i], stores.back(), paths[i], path);
    }
    MergeSummary summary;
    const std::vector<Origin> origins = choose_points(stores, summary);
    AnalysisInput input;
    input.task = stores.front().plan().task;
    input.groups = stores.front().plan().groups;
    input.classes = stores.front().plan().classes;
    input.items = stores.front().items();
    std::vector<std::vector<std::size_t>> places;  // of every store's axes among those of all
    for (const StoreReader& store : stores) places.push_back(unite_axes(input.axes, store.plan().axes));
    for (const Origin& origin : origins) {
        input.points.push_back(make_point(stores[origin.store], origin));
        for (const Origin& other : origin.others) fill_metrics(input.points.back(), make_point(stores[other.store], other));
        const Plan& plan = stores[origin.store].plan();
        input.points.back().point.axes = axes_among(input.axes, places[origin.store], plan, plan.points[origin.point]);
        summary.points_done += origin.state == StageState::done ? 1 : 0;
    }
    summary.points = origins.size();
    for (const fs::path& path : paths) input.sources.push_back(path.string());
    const std::string difference = difference_text(summary.comparison, fmt::format("{}", fmt::join(input.sources, ", ")));
    if (!difference.empty()) log_warning(difference);
    input.sweep_name = join_distinct(stores, " + ", [](const Plan& plan) { return plan.sweep_name; });
    input.data_sets = data_sets_of(stores);
    input.planted = planted_of(stores);
    input.job_text = join_distinct(stores, "\n# --- another store ---\n", [](const Plan& plan) { return plan.job_text; });
    input.code_version = code_version;
    input.created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
    make_writable_folder(output.has_parent_path() ? output.parent_path() : fs::path("."));
    remove_leftovers_of(output);
    NewFile made(output);
    build(stores, origins, input, made.file());
    seal(made.file());
    made.take_place();
    return summary;
}

}  // namespace fairsweep
