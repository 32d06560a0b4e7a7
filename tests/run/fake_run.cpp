/// `fairsweep run` with a small deterministic world in place of data sets and networks; all else is the product's own:
/// mpirun, signals, coordinator, workers, messages, store. Stages sleep a little and make figures from their id and from
/// the artefacts of the stages they need, so that a wrong order or a lost artefact shows in the numbers.
///
///   fake_run run JOB --store S ...   as fairsweep run; JOB holds lines of "key value": baselines, compressions (of each),
///                                    stage_ms, pairs (of a group), fail (kind whose first stage fails), kill (kind whose first
///                                    stage kills its worker, once), poison (kind whose first stage kills its worker each time),
///                                    deaf (kind whose first stage ignores requests to stop); shards (parts that baselines and
///                                    compressions can be shared in), team_ranks, and of the first compression's team the second
///                                    rank once: kill_member, fail_member (without a word to the others), late_member (seconds)
///   fake_run dump S                  every stage with state, digest, figures and hash of its scores: what must be equal
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>

#include "run/clocks.hpp"
#include "run/launcher.hpp"
#include "fairsweep/collective.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/failure_class.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/text.hpp"
#include "fairsweep/verification.hpp"
#include "run/run_sweep.hpp"
#include "run_arguments.hpp"
#include "store/store.hpp"

namespace fairsweep {
namespace {

struct FakeJob {
    int baselines = 2;
    int compressions = 4;
    int stage_ms = 30;
    std::uint32_t pairs = 500;  ///< a group
    std::string fail;
    std::string kill;
    std::string poison;
    std::string deaf;
    int shards = 1;
    std::uint32_t team_ranks = 0;
    int kill_member = 0, fail_member = 0, late_member = 0;
};

FakeJob read_job(const std::filesystem::path& path) {
    FakeJob job;
    std::ifstream file(path);
    if (!file) throw_usage({.attempted = "cannot read the job", .where = path.string(), .found = "nothing"});
    const std::map<std::string, int*> numbers{{"baselines", &job.baselines},     {"compressions", &job.compressions},
                                              {"stage_ms", &job.stage_ms},       {"shards", &job.shards},
                                              {"kill_member", &job.kill_member}, {"fail_member", &job.fail_member},
                                              {"late_member", &job.late_member}};
    std::string key;
    while (file >> key) {
        if (const auto number = numbers.find(key); number != numbers.end()) {
            file >> *number->second;
            continue;
        }
        if (key == "pairs")
            file >> job.pairs;
        else if (key == "team_ranks")
            file >> job.team_ranks;
        else if (key == "fail")
            file >> job.fail;
        else if (key == "kill")
            file >> job.kill;
        else if (key == "poison")
            file >> job.poison;
        else if (key == "deaf")
            file >> job.deaf;
        else
            throw_usage({.attempted = "unknown key", .where = path.string(), .found = key});
    }
    return job;
}

class PlanMaker {
public:
    explicit PlanMaker(const FakeJob& job) : job_(job) {
        plan.sweep_name = "fake";
        plan.task = "verification";
        plan.groups = {"A", "B"};
        plan.job_text = "fake";
        plan.code_version = "fake";
        plan.run.team_ranks = job.team_ranks;
    }
    StageIndex add(StageKind kind, const std::string& name, std::vector<StageIndex> needs, double cost_s) {
        Stage stage;
        stage.kind = kind;
        const bool first =
            std::none_of(plan.stages.begin(), plan.stages.end(), [kind](const Stage& one) { return one.kind == kind; });
        stage.parameters = std::string("{\"first\":") + (first ? "true" : "false") + ",\"ms\":" + std::to_string(job_.stage_ms) +
                           ",\"name\":\"" + name + "\",\"shards\":" + std::to_string(job_.shards) + "}";
        std::string identity = stage.parameters.text();
        for (const StageIndex need : needs) identity += plan.stages[need].id.hex();
        stage.id = sha256(identity);
        stage.needs = std::move(needs);
        stage.cost_s = cost_s;
        plan.stages.push_back(std::move(stage));
        return static_cast<StageIndex>(plan.stages.size() - 1);
    }
    void add_point(Arm arm, std::uint64_t seed, StageIndex network, StageIndex prepare) {
        const StageIndex evaluation =
            add(StageKind::evaluation, "evaluation of " + plan.stages[network].id.short_hex(), {network, prepare}, 0.5);
        Point point;
        point.id = plan.stages[evaluation].id;
        point.arm = arm;
        point.axes[Axis::architecture] = "fake";
        point.axes[Axis::training_set] = "faces";
        point.seed = seed;
        point.network_stage = network;
        point.evaluation_stage = evaluation;
        plan.points.push_back(std::move(point));
    }
    Plan plan;

private:
    FakeJob job_;
};

/// Once a run: ranks that a parent has started take the plan that it handed over.
PlannedSweep make_plan(const RunOptions& options) {
    if (std::getenv(kLaunchedVariable) != nullptr) throw_usage({.attempted = "planned again by a rank"});
    const FakeJob job = read_job(options.job);
    PlanMaker maker(job);
    const StageIndex prepared = maker.add(StageKind::prepare, "prepare", {}, 1);
    for (int b = 0; b < job.baselines; ++b) {
        const std::string name = std::to_string(b);
        const StageIndex baseline = maker.add(StageKind::baseline, "baseline " + name, {}, 4);
        const StageIndex teacher = maker.add(StageKind::teacher, "teacher " + name, {baseline}, 1);
        maker.add_point(Arm::dense, static_cast<std::uint64_t>(b), baseline, prepared);
        for (int c = 0; c < job.compressions; ++c) {
            const StageIndex compression =
                maker.add(StageKind::compression, "compression " + name + " " + std::to_string(c), {baseline, teacher}, 2);
            maker.add_point(Arm::compressed, static_cast<std::uint64_t>(b), compression, prepared);
        }
    }
    return {std::move(maker.plan), 1};
}

ItemTable pairs_of(const FakeJob& job, const Plan& plan) {
    ItemTable pairs;
    pairs.groups = plan.groups;
    pairs.group_begin = {0};
    for (std::uint32_t group = 0; group < plan.groups.size(); ++group) {
        for (std::uint32_t i = 0; i < job.pairs; ++i) {
            pairs.label.push_back(i % 2 == 0 ? 1 : 0);
            pairs.identity_a.push_back(group * 100 + i % 50);
            pairs.identity_b.push_back(group * 100 + (i % 2 == 0 ? i % 50 : (i + 7) % 50));
        }
        pairs.group_begin.push_back(pairs.size());
    }
    return pairs;
}

StageOutcome ended(StageState state, FailureClass failure, const char* message) {
    StageOutcome outcome;
    outcome.state = state;
    outcome.failure = failure;
    outcome.message = message;
    return outcome;
}

/// One step of all ranks of a team; true when one of them was asked to stop before it.
bool take_step(Collective& team, bool is_stopping) {
    constexpr double kPatience_s = 60.0;  // as long as the coordinator does not end it
    std::array<double, 2> numbers{1.0, is_stopping ? 1.0 : 0.0};
    wait(team, team.all_reduce({numbers.data(), numbers.size(), Scalar::f64}, Reduction::sum), kPatience_s, [] { return true; });
    if (numbers[0] != team.size())
        throw_infrastructure({.attempted = "a sum of a team is wrong", .found = exact_number(numbers[0])});
    return numbers[1] > 0;
}

class FakeRunner final : public StageRunner {
public:
    FakeRunner(FakeJob job, std::filesystem::path folder) : job_(std::move(job)), folder_(std::move(folder)) {}

    StageOutcome run(const StageOrder& order, const StageMonitor& monitor) override {
        StageOutcome outcome;
        if (is_first(order, job_.fail)) return ended(StageState::failed, FailureClass::config, "it was told to fail");
        if (is_first(order, job_.kill) && mark_once("killed")) ::kill(::getpid(), SIGKILL);
        if (is_first(order, job_.poison)) ::kill(::getpid(), SIGKILL);
        std::string content = order.id.hex();
        for (const Need& need : order.needs) {
            if (sha256_of_file(artefact(need.id)) != need.sha256)
                return ended(StageState::failed, FailureClass::config, "what it needs is not what its row says");
        }
        for (const Need& need : order.needs) content += read_text_file(artefact(need.id), 1 << 20);
        if (monitor.team != nullptr) {
            note_team(monitor.team->size());
            if (const auto outcome_of_member = misbehave(order, *monitor.team)) return *outcome_of_member;
        }
        const bool deaf = is_first(order, job_.deaf);
        for (int done_ms = 0; done_ms < job_.stage_ms * (deaf ? 100 : 1); done_ms += 5) {
            sleep_s(5e-3);
            monitor.on_progress(done_ms / static_cast<double>(job_.stage_ms));
            const bool is_asked = !deaf && monitor.stop_requested();
            if (monitor.team != nullptr ? take_step(*monitor.team, is_asked) : is_asked)
                return ended(StageState::preempted, FailureClass::preempted, "stopped");
        }
        if (monitor.team != nullptr && monitor.team->rank() != 0) return ended(StageState::done, FailureClass::none, "");
        const Digest digest = sha256(content);
        outcome.state = StageState::done;
        outcome.wall_s = job_.stage_ms * 1e-3;
        if (order.kind == StageKind::evaluation) {
            add_figures(order.groups.size(), digest, outcome);
            return outcome;
        }
        const std::string text = digest.hex();
        write_file_atomically(artefact(order.id), text);
        outcome.artefact = sha256(text);
        outcome.artefact_bytes = text.size();
        return outcome;
    }

    bool artefact_present(StageKind kind, const Digest& id, const StageOutcome& outcome) const override {
        std::error_code error;
        return kind == StageKind::evaluation || std::filesystem::file_size(artefact(id), error) == outcome.artefact_bytes;
    }

private:
    std::filesystem::path artefact(const Digest& id) const { return folder_ / (id.hex() + ".fake"); }
    /// The planner wrote into its parameters whether a stage is the first of its kind.
    static bool is_first(const StageOrder& order, const std::string& kind) {
        return kind == name_of(order.kind) && order.parameters.find("\"first\":true") != std::string::npos;
    }
    /// What the job says of the second rank of the first compression's team.
    std::optional<StageOutcome> misbehave(const StageOrder& order, const Collective& team) const {
        if (team.rank() != 1 || !is_first(order, "compression")) return std::nullopt;
        if (job_.late_member > 0 && mark_once("late")) sleep_s(job_.late_member);
        if (job_.kill_member != 0 && mark_once("killed")) ::kill(::getpid(), SIGKILL);
        if (job_.fail_member != 0 && mark_once("failed")) return ended(StageState::failed, FailureClass::internal, "a member failed");
        return std::nullopt;
    }
    void note_team(int ranks) const { write_file_atomically(folder_ / ("team." + std::to_string(ranks)), "seen"); }
    bool mark_once(const std::string& name) const {
        if (std::filesystem::exists(folder_ / name)) return false;
        write_file_atomically(folder_ / name, name);
        return true;
    }
    void add_figures(std::size_t groups, const Digest& digest, StageOutcome& outcome) const {
        for (std::size_t group = 0; group < groups; ++group) {
            GroupFigures figures;
            figures.genuine = figures.impostor = job_.pairs / 2;
            figures.accuracy_10fold = 50.0 + digest.bytes[group] / 8.0;
            figures.eer = digest.bytes[group + 8] / 512.0;
            outcome.groups.push_back(columns_of(figures));
        }
        for (std::uint32_t i = 0; i < job_.pairs * groups; ++i) {
            outcome.scores.push_back(static_cast<float>(digest.bytes[i % 32]) / 255.0F - static_cast<float>(i % 7) / 100.0F);
        }
    }
    FakeJob job_;
    std::filesystem::path folder_;
};

int dump(const std::string& path) {
    const StoreReader store(path);
    for (const Stage& stage : store.plan().stages) {
        const Row* row = store.row(stage.id);
        std::cout << stage.id.short_hex() << " " << name_of(stage.kind) << " "
                  << (row == nullptr ? "waiting" : name_of(row->outcome.state));
        if (row != nullptr && row->outcome.state == StageState::done) {
            std::cout << " " << row->outcome.artefact.short_hex();
            for (const auto& values : row->outcome.groups) {
                const GroupFigures group = figures_of(values);
                std::cout << " " << exact_number(group.accuracy_10fold) << " " << exact_number(group.eer);
            }
            if (stage.kind == StageKind::evaluation) {
                const auto scores = store.scores(stage.id);
                std::cout << " " << scores.size() << " " << crc32c(std::as_bytes(std::span(scores)));
            }
        }
        std::cout << "\n";
    }
    return 0;
}

int run(const Arguments& words) {
    if (words.size() == 2 && words[0] == "dump") return dump(words[1]);
    if (words.empty() || words[0] != "run") return 2;
    const auto options = parse_run_options({words.begin() + 1, words.end()});
    if (!options) return 0;
    const FakeJob job = read_job(options->job);
    return run_sweep(*options,
                     {make_plan, [](const Plan&) {}, [job](const Plan& plan) { return pairs_of(job, plan); },
                      [job](const std::filesystem::path& folder) { return std::make_unique<FakeRunner>(job, folder); }});
}

}  // namespace
}  // namespace fairsweep

int main(int argc, char** argv) {
    try {
        return fairsweep::run({argv + 1, argv + argc});
    } catch (const fairsweep::Error& error) {
        fairsweep::log_error(error.what());
        return fairsweep::exit_code_of(error.kind());
    }
}
