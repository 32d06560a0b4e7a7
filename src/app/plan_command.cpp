/// fairsweep plan: what a job file would run, what it would cost and what is missing. Runs nothing, writes nothing.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "commands.hpp"
#include "data_probe.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"
#include "job/job.hpp"
#include "missing_data.hpp"
#include "plan/estimate.hpp"
#include "plan/make_plan.hpp"
#include "plan/stage_kinds.hpp"
#include "store/store.hpp"
#include "version.hpp"
#include "words/value_text.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr CommandHelp kHelp{
    "fairsweep plan JOB [--store S] [--workers N,...] [--set section.key=value]... [--json]",
    "Expands and checks a job file: points per axis and arm, what every constraint removed, stages shared and already done, "
    "cost, time and disk as ranges, data that are missing. Runs nothing. Cost and time are of what is not done yet.",
    "  fairsweep plan jobs/demo.cfg\n"
    "  fairsweep plan jobs/demo.cfg --set axes.bits=32,4 --store demo/sweep.h5 --workers 2\n"
    "  DATA=/data fairsweep plan jobs/rfw-quantisation.cfg --json"};

constexpr std::int64_t kMostWorkers = 1'000'000;
constexpr double kLong_s = 30.0 * 86400.0;  // more than that is told with what would be enough

struct PlanView {
    Plan plan;
    PlanEstimate estimate;
    std::vector<bool> is_done;
    std::vector<MissingData> missing;
    std::vector<int> workers;                ///< numbers of workers that the time was asked for
    std::vector<PlanEstimate> of_workers{};  ///< by them; `estimate` is the first
    std::uint64_t stages_on_gpus = 0;

    [[nodiscard]] std::uint64_t points_of(Arm arm) const {
        return static_cast<std::uint64_t>(
            std::count_if(plan.points.begin(), plan.points.end(), [arm](const Point& point) { return point.arm == arm; }));
    }
    [[nodiscard]] std::uint64_t stages_of(StageKind kind) const {
        return static_cast<std::uint64_t>(
            std::count_if(plan.stages.begin(), plan.stages.end(), [kind](const Stage& stage) { return stage.kind == kind; }));
    }
    [[nodiscard]] std::uint64_t stages_of_program(const std::string& name) const {
        return static_cast<std::uint64_t>(std::count_if(plan.stages.begin(), plan.stages.end(),
                                                        [&name](const Stage& stage) { return stage.program.text() == name; }));
    }
    [[nodiscard]] std::uint64_t stages_done() const {
        return static_cast<std::uint64_t>(std::count(is_done.begin(), is_done.end(), true));
    }
};

/// As many as asked for: a plan is often made on another machine than the run. 0 is one process, one stage at a time.
std::vector<int> workers_from(const po::variables_map& values) {
    if (values.count("workers") == 0) return {std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};
    std::vector<int> numbers;
    for (const std::string& word : split(values["workers"].as<std::string>(), ',')) {
        const std::optional<std::int64_t> number = parse_integer(word);
        if (!number || *number < 0 || *number > kMostWorkers)
            throw_usage({.attempted = "cannot plan for this number of workers",
                         .where = "--workers",
                         .found = "'" + word + "'",
                         .expected = fmt::format("0 ... {}, or several with commas between", kMostWorkers)});
        numbers.push_back(std::max(1, static_cast<int>(*number)));
    }
    return numbers;
}

/// Which stages have a good row in the store; a store that is not there yet has none.
std::vector<bool> stages_done_in(const std::filesystem::path& store, const Plan& plan) {
    std::vector<bool> is_done(plan.stages.size(), false);
    if (!std::filesystem::exists(store)) return is_done;
    const StoreReader reader(store);
    std::set<Digest> done;
    for (const Row& row : reader.rows()) {
        if (row.outcome.state == StageState::done) done.insert(row.stage_id);
    }
    for (std::size_t i = 0; i < plan.stages.size(); ++i) is_done[i] = done.count(plan.stages[i].id) != 0;
    return is_done;
}

void print_json(const PlanView& view) {
    const Plan& plan = view.plan;
    Json json = {{"sweep", plan.sweep_name}, {"task", plan.task}, {"groups", plan.groups}};
    if (!plan.classes.empty()) json["classes"] = plan.classes;
    json["axes"] = Json::object();
    for (const AxisInfo& axis : plan.axes) json["axes"][axis.name] = axis.values;
    json["axes"]["seed"] = plan.seeds;
    json["missing"] = Json::array();
    for (const auto& [name, data] : plan.data) {
        if (!data.present) json["missing"].push_back({{"data", name}, {"path", data.source.path.string()}});
    }
    json["provisional"] = plan.provisional;
    json["points"] = plan.points.size();
    json["arms"] = Json::object();
    for (const Arm arm : all_of<Arm>()) json["arms"][name_of(arm)] = view.points_of(arm);
    json["stages"] = plan.stages.size();
    json["kinds"] = Json::object();
    for (const StageKind kind : all_of<StageKind>()) json["kinds"][name_of(kind)] = view.stages_of(kind);
    json["programs"] = Json::object();
    for (const auto& [name, settings] : plan.programs)
        json["programs"][name] = {{"stages", view.stages_of_program(name)}, {"time_limit_s", settings.time_limit_s}};
    json["stages_shared"] = plan.stages_shared;
    json["stages_done"] = view.stages_done();
    json["stages_on_gpus"] = view.stages_on_gpus;
    json["workers"] = view.workers.front();
    json["cost_s"] = view.estimate.cost_s;
    json["cost_s_of_kind"] = Json::object();
    for (const StageKind kind : all_of<StageKind>()) json["cost_s_of_kind"][name_of(kind)] = view.estimate.cost_s_of_kind[kind];
    json["eta_s"] = {view.estimate.eta_low_s, view.estimate.eta_high_s};
    json["eta_s_of_workers"] = Json::array();
    for (std::size_t i = 0; i < view.workers.size(); ++i)
        json["eta_s_of_workers"].push_back(
            {{"workers", view.workers[i]}, {"eta_s", {view.of_workers[i].eta_low_s, view.of_workers[i].eta_high_s}}});
    json["disk_bytes"] = view.estimate.disk_bytes;
    json["removed"] = Json::array();
    for (const RemovedPoints& removed : plan.removed)
        json["removed"].push_back({{"rule", removed.rule}, {"points", removed.points}});
    std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

template <typename Values, typename Text>
std::string joined(const Values& values, const Text& text_of) {
    constexpr std::size_t kShown = 12;
    std::string text;
    std::size_t shown = 0;
    for (const auto& value : values) {
        if (shown++ == kShown) return text + fmt::format(", ... ({} in all)", values.size());
        text += (text.empty() ? "" : ", ") + text_of(value);
    }
    return text;
}

/// Points per value of one axis, in the order in which the values first appear.
void print_axis(const Plan& plan, std::size_t axis) {
    std::vector<std::pair<std::string, std::uint64_t>> counts;
    for (const Point& point : plan.points) {
        const std::string key = text_of(point.axes[axis]);
        const auto found = std::find_if(counts.begin(), counts.end(), [&key](const auto& entry) { return entry.first == key; });
        if (found == counts.end()) {
            counts.emplace_back(key, 1);
        } else {
            ++found->second;
        }
    }
    std::cout << fmt::format("  {:<13} {}\n", plan.axes[axis].name,
                             joined(counts, [](const auto& entry) { return fmt::format("{} ({})", entry.first, entry.second); }));
}

void print_points(const PlanView& view) {
    const Plan& plan = view.plan;
    std::cout << fmt::format("sweep {}: {} points, {} stages\n\npoints", plan.sweep_name, plan.points.size(), plan.stages.size());
    for (const Arm arm : all_of<Arm>())
        std::cout << fmt::format("{} {} {}", arm == Arm::dense ? ":" : ",", view.points_of(arm), name_of(arm));
    std::cout << "\n";
    for (std::size_t axis = 0; axis < plan.axes.size(); ++axis) print_axis(plan, axis);
    std::cout << fmt::format("  {:<14}{} in all\n", "seed", plan.seeds);
    std::cout << fmt::format("  {:<14}{}\n", "groups", joined(plan.groups, [](const std::string& group) { return group; }));
    if (!plan.removed.empty()) std::cout << "\nremoved by\n";
    for (const RemovedPoints& removed : plan.removed) {
        std::cout << fmt::format("  {:>8}  {}{}\n", removed.points, removed.rule,
                                 removed.points == 0 ? "   (removes nothing)" : "");
    }
}

/// Of what is not done.
std::string share_of_cost(const PlanEstimate& estimate, StageKind kind) {
    const double cost_s = estimate.cost_s_of_kind[kind];
    return cost_s > 0.0 ? fmt::format("  {:4.1f} % of the cost", 100.0 * cost_s / estimate.cost_s) : "";
}

void print_stages(const PlanView& view) {
    std::cout << "\nstages\n";
    for (const StageKind kind : all_of<StageKind>())
        std::cout << fmt::format("  {:<14}{:>8}{}\n", name_of(kind), view.stages_of(kind), share_of_cost(view.estimate, kind));
    for (const auto& [name, settings] : view.plan.programs)
        std::cout << fmt::format("  {:<14}{:>8}  of them of program {}, each within {}\n", "", view.stages_of_program(name), name,
                                 human_duration(settings.time_limit_s));
    std::cout << fmt::format("  {:<14}{:>8}  serve more than one point\n", "shared", view.plan.stages_shared);
    std::cout << fmt::format("  {:<14}{:>8}  in the store\n", "done", view.stages_done());
    if (view.stages_on_gpus != 0)
        std::cout << fmt::format("  {:<14}{:>8}  their workers have a GPU each\n", "on GPUs", view.stages_on_gpus);
}

/// The fewest workers, by doubling, that are done in 30 days; or how long the longest chain of stages takes anyhow.
std::string enough_workers(const PlanView& view, PlanEstimator& estimator) {
    double before_s = view.estimate.eta_high_s;
    for (int workers = 2 * view.workers.front();; workers *= 2) {
        const double high_s = estimator.with(workers).eta_high_s;
        if (high_s <= kLong_s) return fmt::format("within 30 days with about {} workers of one core each", workers);
        if (high_s == before_s || workers > static_cast<int>(kMostWorkers) / 2)
            return fmt::format("{} with any number of workers: one chain of stages takes that long; recipe.shards lets teams share a stage "
                               "(docs/teams.md)",
                               human_duration(high_s));
        before_s = high_s;
    }
}

void print_estimate(const PlanView& view, PlanEstimator& estimator) {
    std::cout << fmt::format("\ncost          about {} of one core, for what is not done\n",
                             human_duration(view.estimate.cost_s));
    if (view.stages_on_gpus != 0)
        std::cout << fmt::format("{:<14}counted as if on a core: no GPU was timed yet, where stages take less\n", "");
    for (std::size_t i = 0; i < view.workers.size(); ++i)
        std::cout << fmt::format("{:<14}{} to {} with {} worker{}\n", i == 0 ? "time" : "",
                                 human_duration(view.of_workers[i].eta_low_s), human_duration(view.of_workers[i].eta_high_s),
                                 view.workers[i], view.workers[i] == 1 ? "" : "s");
    if (view.estimate.eta_high_s > kLong_s) std::cout << fmt::format("{:<14}{}\n", "", enough_workers(view, estimator));
    std::cout << fmt::format("disk          about {}\n", human_bytes(view.estimate.disk_bytes));
}

void print_data(const PlanView& view) {
    std::cout << "\ndata\n";
    for (const auto& [name, data] : view.plan.data) {
        const auto missing = std::find_if(view.missing.begin(), view.missing.end(),
                                          [&key = name](const MissingData& item) { return item.name == key; });
        const bool is_there = missing == view.missing.end();
        std::cout << fmt::format("  {:<14}{}  {} ({}), {} images{}\n", name, is_there ? "there  " : "MISSING",
                                 is_there ? data.source.path.string() : missing->why, data.source.format, data.images,
                                 is_there ? "" : " assumed");
    }
    if (view.plan.provisional)
        std::cout << "\nData are missing: ids are provisional, sizes are assumed, and `run` will refuse.\n";
}

}  // namespace

int plan_command(const Arguments& arguments) {
    po::options_description options("options");
    options.add_options()("job", po::value<std::string>(), "the job file")(
        "store", po::value<std::string>(), "count what this store already holds; it need not exist")(
        "workers", po::value<std::string>(), "numbers of workers to plan the time for, as 2,64,1000 (default: one per core)")(
        "set", po::value<std::vector<std::string>>()->composing(), "section.key=value: overrides a key of the job file")(
        "json", "one JSON object instead of the table");
    po::positional_options_description positional;
    positional.add("job", 1);
    po::variables_map values;
    if (!parse_arguments(arguments, kHelp, options, positional, values)) return 0;
    if (values.count("job") == 0) {
        throw_usage({.attempted = "no job file was named",
                     .where = kHelp.usage,
                     .found = "no word after plan",
                     .expected = "a job file",
                     .hint = "for example: fairsweep plan jobs/demo.cfg"});
    }
    PlanView view;
    view.workers = workers_from(values);
    const auto overrides = values.count("set") != 0 ? values["set"].as<std::vector<std::string>>() : std::vector<std::string>{};
    const Sweep sweep = load_job(values["job"].as<std::string>(), overrides);
    view.plan = make_plan(sweep, data_probe(sweep.task), version_line());
    view.missing = missing_data(view.plan, values["job"].as<std::string>(), overrides);
    view.is_done.assign(view.plan.stages.size(), false);
    if (values.count("store") != 0) view.is_done = stages_done_in(values["store"].as<std::string>(), view.plan);
    view.stages_on_gpus = static_cast<std::uint64_t>(std::count_if(view.plan.stages.begin(), view.plan.stages.end(), runs_on_gpu));
    PlanEstimator estimator(view.plan, view.is_done);
    for (const int workers : view.workers) view.of_workers.push_back(estimator.with(workers));
    view.estimate = view.of_workers.front();
    if (values.count("json") != 0) {
        print_json(view);
        return 0;
    }
    print_points(view);
    print_stages(view);
    print_estimate(view, estimator);
    print_data(view);
    return 0;
}

}  // namespace fairsweep
