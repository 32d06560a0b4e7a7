#include "plan/make_plan.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "plan/constraint.hpp"
#include "plan/cost.hpp"
#include "plan/grid.hpp"
#include "plan/planned_classes.hpp"
#include "plan/planned_inputs.hpp"
#include "plan/stage_id.hpp"
#include "plan/stage_kinds.hpp"
#include "words/program_command.hpp"
#include "words/pruning_words.hpp"
#include "words/recipe_keys.hpp"

namespace fairsweep {
namespace {

const std::string kNoProgram = Recipe{}.program;  // of fairsweep's own stages

/// Finds stages of a list by their ids.
struct StageIdHash {
    using is_transparent = void;
    const std::vector<Stage>* stages;
    std::size_t operator()(const Digest& id) const noexcept { return static_cast<std::size_t>(id.prefix()); }
    std::size_t operator()(StageIndex stage) const noexcept { return (*this)((*stages)[stage].id); }
};
struct StageIdEqual {
    using is_transparent = void;
    const std::vector<Stage>* stages;
    bool operator()(StageIndex a, StageIndex b) const noexcept { return a == b; }
    bool operator()(const Digest& id, StageIndex stage) const noexcept { return (*stages)[stage].id == id; }
};

class Planner {
public:
    Planner(const Sweep& sweep, const DataProbe& probe)
        : sweep_(sweep), probe_(probe), data_(sweep, probe, plan_), programs_(probe, plan_) {
        for (const Constraint& constraint : sweep.constraints) {
            rules_.push_back(ConstraintRule::parse(constraint.text, "constraint.exclude", sweep.axes));
            plan_.removed.push_back({constraint.text, 0});
        }
    }

    Plan make() {
        plan_.sweep_name = sweep_.name;
        plan_.task = sweep_.task;
        plan_.job_text = sweep_.source_text;
        plan_.axes = counted_axes(sweep_);
        plan_.seeds = sweep_.seeds.size();
        plan_.run = sweep_.run;
        check_size();
        visit_cells(sweep_, [this](const Cell& cell) {
            for (const std::uint64_t seed : sweep_.seeds) add_point(cell, seed);
        });
        read_groups();
        plan_.classes = planned_classes(sweep_, plan_, probe_);
        if (repeated_ > 0) plan_.removed.push_back({"the same stages as another point", repeated_});
        count_shared_stages();
        return std::move(plan_);
    }

private:
    void check_size() const {
        const double cells = grid_size(sweep_);
        if (cells <= static_cast<double>(kMaxGridCells)) return;
        throw_usage({.attempted = "the grid of the sweep is too large",
                     .where = "the axes of " + sweep_.name,
                     .found = std::to_string(static_cast<std::uint64_t>(std::min(cells, 1e18))) + " cells",
                     .expected = "at most " + std::to_string(kMaxGridCells),
                     .hint = "split the sweep: stages are shared between sweeps in one store"});
    }

    bool is_excluded(const Point& point) {
        for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
            if (!rules_[rule].matches(point)) continue;
            ++plan_.removed[rule].points;
            return true;
        }
        return false;
    }

    void add_point(const Cell& cell, std::uint64_t seed) {
        Point point;
        point.arm = cell.arm;
        point.axes = cell.axes;
        point.seed = seed;
        if (is_excluded(point)) return;
        point.network_stage = network_stage(cell, seed);
        point.evaluation_stage = measuring_stage(StageKind::evaluation, cell, seed, point.network_stage);
        for (const StageKind kind : sweep_.measurements)
            point.measurements.push_back(measuring_stage(kind, cell, seed, point.network_stage));
        point.id = plan_.stages[point.evaluation_stage].id;
        has_point_.resize(plan_.stages.size(), false);
        if (has_point_[point.evaluation_stage]) {
            ++repeated_;  // its stages were there already
            return;
        }
        has_point_[point.evaluation_stage] = true;
        plan_.points.push_back(std::move(point));
    }

    StageIndex network_stage(const Cell& cell, std::uint64_t seed) {
        if (const Program* program = program_of(sweep_, cell.arm, cell.recipe)) return external_stage(cell, seed, *program);
        const StageIndex baseline = baseline_stage(cell, seed);
        return cell.arm == Arm::dense ? baseline : compression_stage(cell, seed, baseline);
    }

    /// Of what stands in the parameters here, the text keeps what the command names.
    StageIndex external_stage(const Cell& cell, std::uint64_t seed, const Program& program) {
        const AxisValues& axes = cell.axes;
        StageParameters parameters = common(StageKind::external, cell, seed);
        parameters.recipe = cell.recipe;
        parameters.command = program.command;
        parameters.result = program.result;
        parameters.depends = programs_.depends(cell.recipe.program, program);
        parameters.bits = axes.bits();
        parameters.sparsity = axes.sparsity();
        parameters.distillation = axes.distillation();
        parameters.training_set = axes.training_set();
        parameters.calibration = axes.calibration();
        parameters.pruning = axes.pruning();
        parameters.arm = name_of(cell.arm);
        std::vector<SharedText> data_sets;
        const auto read = [&](const std::string& name) { return data_sets.emplace_back(name), data_.id(name); };
        const auto names = [&program](const char* placeholder) { return names_placeholder(program.command, placeholder); };
        if (names("training_data")) parameters.training_data = read(axes.training_set());
        if (names("calibration_data")) parameters.data = read(calibration_set(axes));
        if (names("evaluation_data") || program.result != kResultCheckpoint)
            parameters.evaluation_data = read(sweep_.evaluation_data);
        std::vector<StageIndex> needs;
        if (names("baseline")) needs.push_back(baseline_stage(cell, seed));
        const StageIndex index = add_stage(parameters, std::move(needs), sweep_.evaluation_data);
        Stage& stage = plan_.stages[index];
        stage.data_sets = std::move(data_sets);
        stage.cost_s = program.estimate_s;
        stage.program = cell.recipe.program;
        plan_.programs.emplace(stage.program, program.settings);
        return index;
    }

    /// The data set that a compressed or sham cell is calibrated with.
    static const std::string& calibration_set(const AxisValues& axes) {
        const bool is_nothing = std::holds_alternative<std::monostate>(axes[Axis::calibration]);
        return is_nothing || axes.calibration() == "real" ? axes.training_set() : axes.calibration();
    }

    [[nodiscard]] StageParameters common(StageKind kind, const Cell& cell, std::uint64_t seed) const {
        StageParameters parameters;
        parameters.kind = kind;
        parameters.task = sweep_.task;
        parameters.version = info_of(kind).version;
        parameters.architecture = cell.axes.architecture();
        parameters.recipe = cell.recipe;
        parameters.recipe.program = kNoProgram;
        parameters.seed = seed;
        return parameters;
    }

    StageIndex baseline_stage(const Cell& cell, std::uint64_t seed) {
        // Neighbours in grid order differ in seed only, and the seeds recur: remember one baseline a seed.
        const std::string key = network_key(cell) + std::to_string(seed);
        const auto found = baselines_.find(key);
        if (found != baselines_.end()) return found->second;
        check_shards(cell.recipe, "baseline_batch_samples");
        check_precision(cell.recipe, "baseline_precision");
        StageParameters parameters = common(StageKind::baseline, cell, seed);
        parameters.data = data_.id(cell.axes.training_set());
        return baselines_[key] = add_stage(parameters, {}, cell.axes.training_set());
    }

    /// What a baseline may depend on, but for the seed.
    static std::string network_key(const Cell& cell) {
        std::string key = cell.axes.architecture() + '\n' + cell.axes.training_set() + '\n';
        for (std::size_t axis = count_of<Axis>; axis < cell.axes.size(); ++axis) key += text_of(cell.axes[axis]) + '\n';
        return key;
    }

    StageIndex compression_stage(const Cell& cell, std::uint64_t seed, StageIndex baseline) {
        const AxisValues& axes = cell.axes;
        const std::string& data = calibration_set(axes);
        check_shards(cell.recipe, "finetune_batch_samples");
        check_precision(cell.recipe, "precision");
        StageParameters parameters = common(StageKind::compression, cell, seed);
        parameters.data = data_.id(data);
        parameters.bits = axes.bits();
        parameters.sparsity = axes.sparsity();
        parameters.distillation = axes.distillation();
        if (axes.sparsity() != 0.0) check_pruning(cell.recipe, axes.sparsity(), "axes.pruning = " + axes.pruning());
        const StageIndex teacher = teacher_stage(cell, seed, teaching_network(cell, seed, baseline), data);
        return add_stage(parameters, {baseline, teacher}, data);
    }

    /// The stage whose network teaches the point's: the baseline, or in a chain (Mirzadeh et al., AAAI 2020) the compressed
    /// network with the next larger bits of the axis. That one need not be a point of the sweep.
    StageIndex teaching_network(const Cell& cell, std::uint64_t seed, StageIndex baseline) {
        if (!is_chain(cell.axes.distillation())) return baseline;
        std::optional<Bits> next;
        for (const AxisValue& value : cell.block->values[index_of(Axis::bits)]) {
            const Bits& bits = std::get<Bits>(value);
            if (cell.axes.bits() < bits && (!next || bits < *next)) next = bits;
        }
        if (!next || (next->is_float() && cell.axes.sparsity() == 0.0)) return baseline;
        Cell assistant = cell;
        assistant.axes[Axis::bits] = *next;
        return compression_stage(assistant, seed, baseline);
    }

    StageIndex teacher_stage(const Cell& cell, std::uint64_t seed, StageIndex network, const std::string& data) {
        const std::string key = std::to_string(network) + '\n' + data;  // its recipe is in the id of its network
        const auto found = teachers_.find(key);
        if (found != teachers_.end()) return found->second;
        StageParameters parameters = common(StageKind::teacher, cell, seed);
        parameters.data = data_.id(data);
        return teachers_[key] = add_stage(parameters, {network}, data);
    }

    StageIndex measuring_stage(StageKind kind, const Cell& cell, std::uint64_t seed, StageIndex network) {
        StageParameters parameters = common(kind, cell, seed);
        parameters.data = data_.id(sweep_.evaluation_data);
        return add_stage(parameters, {network, prepared_stage(cell, seed)}, sweep_.evaluation_data);
    }

    StageIndex prepared_stage(const Cell& cell, std::uint64_t seed) {
        const auto found = prepared_.find(cell.axes.architecture());
        if (found != prepared_.end()) return found->second;
        StageParameters parameters = common(StageKind::prepare, cell, seed);
        parameters.data = data_.id(sweep_.evaluation_data);
        parameters.image_size = input_size_of(cell.axes.architecture());
        return prepared_[cell.axes.architecture()] = add_stage(parameters, {}, sweep_.evaluation_data);
    }

    /// The stage with these parameters: the one that is there, or a new one. `data` is the set whose size decides its cost.
    StageIndex add_stage(const StageParameters& parameters, std::vector<StageIndex> needs, const std::string& data) {
        Stage stage;
        stage.kind = parameters.kind;
        const std::string text = canonical_text(parameters);
        std::vector<Digest> need_ids;
        for (const StageIndex need : needs) need_ids.push_back(plan_.stages[need].id);
        stage.id = stage_id(stage.kind, text, need_ids);
        const auto found = stages_.find(stage.id);
        if (found != stages_.end()) return *found;
        stage.parameters = text;
        stage.needs = std::move(needs);
        const StageKindInfo& kind = info_of(stage.kind);
        if (kind.reads_data) stage.data_sets = {data};
        stage.cost_s = kind.cost_s(parameters, static_cast<double>(data_.images(data)));
        check_needs(stage);
        plan_.stages.push_back(std::move(stage));
        return *stages_.insert(static_cast<StageIndex>(plan_.stages.size() - 1)).first;
    }

    void check_needs(const Stage& stage) const {
        const auto& wanted = info_of(stage.kind).needs;
        const bool may_lack = info_of(stage.kind).needs_are_optional && stage.needs.size() < wanted.size();
        FAIRSWEEP_CHECK(stage.needs.size() == wanted.size() || may_lack, "it has the needs of its kind");
        for (std::size_t i = 0; i < stage.needs.size(); ++i) {
            const StageKind found = plan_.stages[stage.needs[i]].kind;
            FAIRSWEEP_CHECK(std::find(wanted[i].begin(), wanted[i].end(), found) != wanted[i].end(), "of the right kinds");
        }
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
        std::vector<StageIndex> closure;  // of one point: a handful of stages, and two for each link of a chain
        for (const Point& point : plan_.points) {
            closure = measuring_stages(point);
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
    ProgramFiles programs_;
    std::vector<ConstraintRule> rules_;
    std::unordered_set<StageIndex, StageIdHash, StageIdEqual> stages_{0, {&plan_.stages}, {&plan_.stages}};
    std::unordered_map<std::string, StageIndex> baselines_;
    std::unordered_map<std::string, StageIndex> teachers_;
    std::unordered_map<std::string, StageIndex> prepared_;  ///< by architecture
    std::vector<bool> has_point_;                           ///< by stage: it is the evaluation of one
    std::uint64_t repeated_ = 0;
};

}  // namespace

Plan make_plan(const Sweep& sweep, const DataProbe& probe, const std::string& code_version) {
    Plan plan = Planner(sweep, probe).make();
    plan.code_version = code_version;
    return plan;
}

}  // namespace fairsweep
