#include "plan/grid.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_set>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/stage_parameters.hpp"
#include "words/program_command.hpp"
#include "words/pruning_words.hpp"
#include "words/recipe_axes.hpp"

namespace fairsweep {
namespace {

bool has_arm(const Sweep& sweep, Arm arm) { return std::find(sweep.arms.begin(), sweep.arms.end(), arm) != sweep.arms.end(); }

/// Axes that are walked together: one, or several that are zipped.
struct Dimension {
    std::vector<std::size_t> axes;
    std::size_t length = 0;
};

std::vector<std::size_t> walking_order(const Sweep& sweep) {
    std::vector<std::size_t> order{index_of(Axis::architecture), index_of(Axis::training_set)};
    for (std::size_t axis = count_of<Axis>; axis < sweep.axes.size(); ++axis) order.push_back(axis);
    for (const Axis axis : {Axis::calibration, Axis::distillation, Axis::sparsity, Axis::pruning, Axis::bits})
        order.push_back(index_of(axis));
    return order;
}

std::vector<Dimension> dimensions_of(const Sweep& sweep, const AxisBlock& block) {
    std::vector<Dimension> dimensions;
    std::vector<bool> placed(sweep.axes.size(), false);
    for (const std::size_t axis : walking_order(sweep)) {
        if (placed[axis]) continue;
        Dimension dimension{{axis}, block.values[axis].size()};
        for (const std::vector<std::size_t>& zipped : block.zipped)
            if (std::find(zipped.begin(), zipped.end(), axis) != zipped.end()) dimension.axes = zipped;
        for (const std::size_t member : dimension.axes) {
            FAIRSWEEP_CHECK(block.values[member].size() == dimension.length, "zipped axes have equally many values");
            placed[member] = true;
        }
        dimensions.push_back(std::move(dimension));
    }
    return dimensions;
}

Recipe recipe_of(const Sweep& sweep, const AxisValues& axes) {
    const AxisValue* preset = nullptr;
    for (std::size_t axis = count_of<Axis>; axis < sweep.axes.size(); ++axis)
        if (is_preset_axis(sweep.axes[axis])) preset = &axes[axis];
    Recipe recipe = preset == nullptr ? sweep.recipe : make_recipe(std::get<SharedText>(*preset), sweep.recipe_settings);
    for (std::size_t axis = count_of<Axis>; axis < sweep.axes.size(); ++axis)
        apply_recipe_axis(sweep.axes[axis], axes[axis], recipe);
    return recipe;
}

bool makes(const Program& program, Arm arm) {
    return std::find(program.arms.begin(), program.arms.end(), arm) != program.arms.end();
}

bool some_program_makes(const Sweep& sweep, Arm arm) {
    return std::any_of(sweep.programs.begin(), sweep.programs.end(), [arm](const auto& one) { return makes(one.second, arm); });
}

class BlockWalk {
public:
    BlockWalk(const Sweep& sweep, const AxisBlock& block, std::unordered_set<std::string>& seen,
              const std::function<void(const Cell&)>& visit)
        : sweep_(sweep), block_(block), dimensions_(dimensions_of(sweep, block)), seen_(seen), visit_(visit) {}

    void walk() {
        has_sham_ = false;
        for_each([this](const AxisValues& axes) { has_sham_ = has_sham_ || arm_of(axes) == Arm::sham; });
        for_each([this](const AxisValues& axes) { visit_with_its_references(axes); });
    }

private:
    static Arm arm_of(const AxisValues& axes) {
        return axes.bits().is_float() && axes.sparsity() == 0.0 ? Arm::sham : Arm::compressed;
    }

    template <class Visit>
    void for_each(const Visit& visit) const {
        std::vector<std::size_t> place(dimensions_.size(), 0);
        AxisValues axes(sweep_.axes.size());
        for (;;) {
            for (std::size_t d = 0; d < dimensions_.size(); ++d)
                for (const std::size_t axis : dimensions_[d].axes) axes[axis] = block_.values[axis][place[d]];
            visit(axes);
            std::size_t d = dimensions_.size();
            while (d > 0 && ++place[d - 1] == dimensions_[d - 1].length) place[--d] = 0;
            if (d == 0) return;
        }
    }

    void visit_with_its_references(const AxisValues& axes) {
        const Recipe recipe = recipe_of(sweep_, axes);
        AxisValues reference = axes;
        reference[Axis::bits] = Bits{};
        reference[Axis::sparsity] = 0.0;
        AxisValues dense = reference;
        dense[Axis::calibration] = dense[Axis::distillation] = {};
        visit_new(last_dense_, Arm::dense, std::move(dense), recipe);
        // Zipped with a key of the recipe, the cells that are shams lack the recipes of the others.
        if (!has_sham_ || !block_.zipped.empty()) visit_new(last_sham_, Arm::sham, std::move(reference), recipe);
        visit_once(arm_of(axes), axes, recipe);
    }

    /// Neighbours in the walk mostly have the same reference, which need not be worked out again to be found among the seen.
    void visit_new(AxisValues& last, Arm arm, AxisValues axes, const Recipe& recipe) {
        if (axes == last) return;
        visit_once(arm, axes, recipe);
        last = std::move(axes);
    }

    void visit_once(Arm arm, const AxisValues& axes, const Recipe& recipe) {
        if (!has_arm(sweep_, arm)) return;
        Cell cell{arm, axes, recipe, &block_};
        // A chain changes the teachers of quantised networks: its sham is the sham of the loss alone.
        if (arm == Arm::sham) cell.axes[Axis::distillation] = loss_of(cell.axes.distillation());
        set_pruning(cell);
        for (std::size_t axis = count_of<Axis>; axis < sweep_.axes.size(); ++axis)
            if (!depends_on(cell, sweep_.axes[axis])) cell.axes[axis] = {};
        if (seen_.insert(key_of(cell)).second) visit_(cell);
    }

    /// The value of the axis, said in the one way that points have it.
    static void set_pruning(Cell& cell) {
        if (cell.axes.sparsity() == 0.0) {
            cell.axes[Axis::pruning] = {};
            return;
        }
        std::optional<Recipe> recipe = with_pruning_words(cell.recipe, cell.axes.pruning());
        if (!recipe) {
            throw_usage({.attempted = "cannot prune like that",
                         .where = "axes.pruning",
                         .found = "'" + cell.axes.pruning() + "'",
                         .expected = "words such as global, layer, 2:4, channels, cubic, prune-first"});
        }
        cell.axes[Axis::pruning] = pruning_text(*recipe);
        cell.recipe = std::move(*recipe);
    }

    /// Whether some stage of a point in this cell has the key in its canonical text.
    [[nodiscard]] bool depends_on(const Cell& cell, const AxisInfo& axis) const {
        // A dense network of fairsweep's is the reference of all programs that start from it.
        if (is_program_axis(axis) && cell.arm == Arm::dense) return program_of(sweep_, cell.arm, cell.recipe) != nullptr;
        if (is_program_axis(axis)) return some_program_makes(sweep_, cell.arm);
        StageParameters parameters;
        parameters.task = sweep_.task;
        parameters.recipe = cell.recipe;
        parameters.bits = cell.axes.bits();
        parameters.sparsity = cell.axes.sparsity();
        const Program* program = program_of(sweep_, cell.arm, cell.recipe);
        if (program != nullptr) parameters.command = program->command;
        const auto kinds = all_of<StageKind>();
        return std::any_of(kinds.begin(), kinds.end(), [&](StageKind kind) {
            parameters.kind = kind;
            return has_stage(cell.arm, program, kind) && applies_to(axis, parameters);
        });
    }

    /// Whether points of this arm may have a stage of that kind before them.
    static bool has_stage(Arm arm, const Program* program, StageKind kind) {
        const bool is_of_finetune = kind == StageKind::teacher || kind == StageKind::compression;
        if (kind == StageKind::external) return program != nullptr;
        if (is_of_finetune) return program == nullptr && arm != Arm::dense;
        if (kind == StageKind::baseline) return program == nullptr || names_placeholder(program->command, "baseline");
        return true;
    }

    static std::string key_of(const Cell& cell) {
        std::string key = name_of(cell.arm);
        for (std::size_t axis = 0; axis < cell.axes.size(); ++axis) key += '\n' + text_of(cell.axes[axis]);
        return key;
    }

    const Sweep& sweep_;
    const AxisBlock& block_;
    const std::vector<Dimension> dimensions_;
    std::unordered_set<std::string>& seen_;
    const std::function<void(const Cell&)>& visit_;
    bool has_sham_ = false;
    AxisValues last_dense_{}, last_sham_{};  ///< whose cells were visited last
};

}  // namespace

void visit_cells(const Sweep& sweep, const std::function<void(const Cell&)>& visit) {
    std::unordered_set<std::string> seen;
    for (const AxisBlock& block : sweep.blocks) BlockWalk(sweep, block, seen, visit).walk();
}

const Program* program_of(const Sweep& sweep, Arm arm, const Recipe& recipe) {
    const auto found = sweep.programs.find(recipe.program);
    return found != sweep.programs.end() && makes(found->second, arm) ? &found->second : nullptr;
}

double grid_size(const Sweep& sweep) {
    double cells = 0;
    for (const AxisBlock& block : sweep.blocks) {
        double product = static_cast<double>(sweep.seeds.size());
        for (const Dimension& dimension : dimensions_of(sweep, block)) product *= static_cast<double>(dimension.length);
        cells += product;
    }
    return cells;
}

std::vector<AxisInfo> counted_axes(const Sweep& sweep) {
    std::vector<AxisInfo> axes = sweep.axes;
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
        std::set<AxisValue> values;
        for (const AxisBlock& block : sweep.blocks) values.insert(block.values[axis].begin(), block.values[axis].end());
        axes[axis].values = values.size();
    }
    return axes;
}

}  // namespace fairsweep
