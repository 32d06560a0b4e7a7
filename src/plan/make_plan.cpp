#include "plan/make_plan.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "plan/cells.hpp"
#include "plan/constraint.hpp"
#include "plan/cost.hpp"
#include "plan/pruning_words.hpp"
#include "plan/stage_id.hpp"

namespace fairsweep {
namespace {

/// Versions of the stages' code. Raise one when results of its stages change: old rows are then not taken for new ones.
int version_of(StageKind kind) {
    switch (kind) {
        case StageKind::prepare:
            return 2;
        case StageKind::baseline:
            return 3;
        case StageKind::teacher:
            return 3;
        case StageKind::compression:
            return 2;
        case StageKind::evaluation:
            return 2;
    }
    return 1;
}

struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept { return static_cast<std::size_t>(digest.prefix()); }
};

/// The data sets of the plan, looked at when the first point needs them.
class DataCatalogue {
public:
    DataCatalogue(const Sweep& sweep, const DataProbe& probe, Plan& plan) : sweep_(sweep), probe_(probe), plan_(plan) {}

    Digest id(const std::string& name) {
        const PlannedData& data = entry(name);
        // A missing set still needs an id of its own, so that sharing can be counted.
        return data.present ? data.id : sha256("missing data set: " + name);
    }
    std::uint64_t images(const std::string& name) { return entry(name).images; }

private:
    const PlannedData& entry(const std::string& name) {
        const auto found = plan_.data.find(name);
        if (found != plan_.data.end()) return found->second;
        const bool is_evaluation = name == sweep_.evaluation_data;
        PlannedData data;
        data.source = sweep_.data.at(name);
        data.present = probe_.present(data.source);
        if (data.present) data.id = probe_.digest(data.source);
        if (data.present && probe_.images) data.images = probe_.images(data.source, is_evaluation);
        if (data.present && probe_.planted) data.planted = probe_.planted(data.source);
        if (!data.present) plan_.provisional = true;
        if (data.images == 0) data.images = assumed_images(name, is_evaluation);
        return plan_.data.emplace(name, std::move(data)).first->second;
    }

    const Sweep& sweep_;
    const DataProbe& probe_;
    Plan& plan_;
};

class Planner {
public:
    Planner(const Sweep& sweep, const DataProbe& probe) : sweep_(sweep), probe_(probe), data_(sweep, probe, plan_) {
        for (const Constraint& constraint : sweep.constraints) {
            rules_.push_back(ConstraintRule::parse(constraint.text, "constraint.exclude"));
            plan_.removed.push_back({constraint.text, 0});
        }
    }

    Plan make() {
        plan_.sweep_name = sweep_.name;
        plan_.task = sweep_.task;
        plan_.job_text = sweep_.source_text;
        count_axes();
        for (const std::string& architecture : sweep_.architectures) {
            for (const std::string& training_set : sweep_.training_sets) plan_network(architecture, training_set);
        }
        read_groups();
        if (repeated_ > 0) plan_.removed.push_back({"the same stages as another point", repeated_});
        count_shared_stages();
        return std::move(plan_);
    }

private:
    void count_axes() {
        plan_.axes = {{"architecture", sweep_.architectures.size()},
                      {"training_set", sweep_.training_sets.size()},
                      {"bits", sweep_.bits.size()},
                      {"calibration", sweep_.calibrations.size()},
                      {"sparsity", sweep_.sparsities.size()},
                      {"pruning", sweep_.prunings.size()},
                      {"distillation", sweep_.distillations.size()},
                      {"seed", sweep_.seeds.size()}};
        double cells = 1;  // in double: the product may pass 2^64
        for (const auto& [axis, values] : plan_.axes) cells *= static_cast<double>(values);
        if (cells > static_cast<double>(kMaxGridCells)) {
            throw_usage({.attempted = "the grid of the sweep is too large",
                         .where = "the axes of " + sweep_.name,
                         .found = std::to_string(static_cast<std::uint64_t>(std::min(cells, 1e18))) + " cells",
                         .expected = "at most " + std::to_string(kMaxGridCells),
                         .hint = "split the sweep: stages are shared between sweeps in one store"});
        }
    }

    void plan_network(const std::string& architecture, const std::string& training_set) {
        Point point;
        point.architecture = architecture;
        point.training_set = training_set;
        point.calibration = "none";
        point.distillation = "none";
        point.arm = Arm::dense;
        if (has_arm(sweep_, Arm::dense)) {
            for (const std::uint64_t seed : sweep_.seeds) {
                point.seed = seed;
                add_point(point);
            }
        }
        const std::vector<Cell> cells = cells_of(sweep_);
        if (cells.empty()) return;
        for (const std::string& calibration : sweep_.calibrations) {
            for (const std::string& distillation : sweep_.distillations) {
                for (const Cell& cell : cells) {
                    point.arm = cell.arm();
                    point.bits = cell.bits;
                    point.sparsity = cell.sparsity;
                    point.pruning = cell.pruning;
                    point.calibration = calibration;
                    // A chain changes the teachers of quantised networks: its sham is the sham of the loss alone.
                    point.distillation = point.arm == Arm::sham ? loss_of(distillation) : distillation;
                    for (const std::uint64_t seed : sweep_.seeds) {
                        point.seed = seed;
                        add_point(point);
                    }
                }
            }
        }
    }

    bool is_excluded(const Point& point) {
        for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
            if (!rules_[rule].matches(point)) continue;
            ++plan_.removed[rule].points;
            return true;
        }
        return false;
    }

    void add_point(Point point) {
        if (is_excluded(point)) return;
        const StageIndex baseline = baseline_stage(point);
        point.network_stage = point.arm == Arm::dense ? baseline : compression_stage(point, baseline);
        point.evaluation_stage = evaluation_stage(point);
        point.id = plan_.stages[point.evaluation_stage].id;
        if (!point_ids_.insert(point.id).second) {
            ++repeated_;  // its stages were there already
            return;
        }
        plan_.points.push_back(std::move(point));
    }

    StageParameters common(StageKind kind, const Point& point) {
        StageParameters parameters;
        parameters.kind = kind;
        parameters.version = version_of(kind);
        parameters.architecture = point.architecture;
        parameters.recipe = sweep_.recipe;
        parameters.seed = point.seed;
        return parameters;
    }

    StageIndex baseline_stage(const Point& point) {
        // Neighbours in grid order differ in seed only, and the seeds recur: remember one baseline a seed.
        const std::string key = point.architecture + '\n' + point.training_set + '\n' + std::to_string(point.seed);
        const auto found = baselines_.find(key);
        if (found != baselines_.end()) return found->second;
        StageParameters parameters = common(StageKind::baseline, point);
        parameters.data = data_.id(point.training_set);
        return baselines_[key] = add_stage(parameters, {}, point.training_set);
    }

    StageIndex compression_stage(const Point& point, StageIndex baseline) {
        const std::string& data = point.calibration == "real" ? point.training_set : point.calibration;
        StageParameters parameters = common(StageKind::compression, point);
        parameters.data = data_.id(data);
        parameters.bits = point.bits;
        parameters.sparsity = point.sparsity;
        parameters.distillation = point.distillation;
        if (point.pruning != "none") {
            parameters.recipe = with_pruning_text(sweep_.recipe, point.pruning);
            check_pruning(parameters.recipe, point.sparsity, "axes.pruning = " + point.pruning);
        }
        const StageIndex teacher = teacher_stage(point, teaching_network(point, baseline), data);
        return add_stage(parameters, {baseline, teacher}, data);
    }

    /// The stage whose network teaches the point's: the baseline, or in a chain (Mirzadeh et al., AAAI 2020) the compressed
    /// network with the next larger bits of the axis. That one need not be a point of the sweep.
    StageIndex teaching_network(const Point& point, StageIndex baseline) {
        if (!is_chain(point.distillation)) return baseline;
        const Bits* next = nullptr;
        for (const Bits& bits : sweep_.bits)
            if (point.bits < bits && (next == nullptr || bits < *next)) next = &bits;
        if (next == nullptr || (next->is_float() && point.sparsity == 0.0)) return baseline;
        Point assistant = point;
        assistant.bits = *next;
        return compression_stage(assistant, baseline);
    }

    StageIndex teacher_stage(const Point& point, StageIndex network, const std::string& data) {
        const std::string key = std::to_string(network) + '\n' + data;
        const auto found = teachers_.find(key);
        if (found != teachers_.end()) return found->second;
        StageParameters parameters = common(StageKind::teacher, point);
        parameters.data = data_.id(data);
        return teachers_[key] = add_stage(parameters, {network}, data);
    }

    StageIndex evaluation_stage(const Point& point) {
        StageParameters prepare = common(StageKind::prepare, point);
        prepare.data = data_.id(sweep_.evaluation_data);
        prepare.image_size = input_size_of(point.architecture);
        const auto found = prepared_.find(prepare.image_size);
        const StageIndex prepared = found != prepared_.end() ? found->second : add_stage(prepare, {}, sweep_.evaluation_data);
        prepared_[prepare.image_size] = prepared;
        StageParameters parameters = common(StageKind::evaluation, point);
        parameters.data = prepare.data;
        return add_stage(parameters, {point.network_stage, prepared}, sweep_.evaluation_data);
    }

    /// The stage with these parameters: the one that is there, or a new one. `data` is the set whose size decides its cost.
    StageIndex add_stage(const StageParameters& parameters, std::vector<StageIndex> needs, const std::string& data) {
        Stage stage;
        stage.kind = parameters.kind;
        stage.parameters = canonical_text(parameters);
        std::vector<Digest> need_ids;
        for (const StageIndex need : needs) need_ids.push_back(plan_.stages[need].id);
        stage.id = stage_id(stage.kind, stage.parameters, need_ids);
        const auto [place, is_new] = stages_.try_emplace(stage.id, static_cast<StageIndex>(plan_.stages.size()));
        if (!is_new) return place->second;
        stage.needs = std::move(needs);
        if (parameters.kind != StageKind::evaluation) stage.data_sets = {data};
        stage.cost_s = stage_cost_s(parameters, data_.images(data));
        plan_.stages.push_back(std::move(stage));
        return place->second;
    }

    void read_groups() {
        const DataSource& source = sweep_.data.at(sweep_.evaluation_data);
        const auto planned = plan_.data.find(sweep_.evaluation_data);
        if (planned != plan_.data.end() && planned->second.present) {
            plan_.groups = probe_.groups(source);
        } else {
            plan_.groups =
                source.groups.empty() ? std::vector<std::string>{"African", "Asian", "Caucasian", "Indian"} : source.groups;
        }
    }

    void count_shared_stages() {
        std::vector<std::uint32_t> points_of(plan_.stages.size(), 0);
        std::vector<StageIndex> closure;  // of one point: five stages, and two for each link of a chain
        for (const Point& point : plan_.points) {
            closure.assign(1, point.evaluation_stage);
            for (std::size_t i = 0; i < closure.size(); ++i) {
                for (const StageIndex need : plan_.stages[closure[i]].needs) {
                    if (std::find(closure.begin(), closure.end(), need) == closure.end()) closure.push_back(need);
                }
            }
            for (const StageIndex stage : closure) ++points_of[stage];
        }
        plan_.stages_shared =
            static_cast<std::uint64_t>(std::count_if(points_of.begin(), points_of.end(), [](std::uint32_t n) { return n > 1; }));
    }

    const Sweep& sweep_;
    const DataProbe& probe_;
    Plan plan_;
    DataCatalogue data_;
    std::vector<ConstraintRule> rules_;
    std::unordered_map<Digest, StageIndex, DigestHash> stages_;
    std::unordered_map<std::string, StageIndex> baselines_;
    std::unordered_map<std::string, StageIndex> teachers_;
    std::unordered_map<int, StageIndex> prepared_;
    std::unordered_set<Digest, DigestHash> point_ids_;
    std::uint64_t repeated_ = 0;
};

}  // namespace

Plan make_plan(const Sweep& sweep, const DataProbe& probe, const std::string& code_version) {
    Plan plan = Planner(sweep, probe).make();
    plan.code_version = code_version;
    return plan;
}

}  // namespace fairsweep
