#include "job/axes.hpp"

#include <algorithm>

#include "fairsweep/text.hpp"
#include "job/programs.hpp"
#include "job/recipe.hpp"
#include "job/values.hpp"
#include "plan/tasks.hpp"
#include "words/architecture.hpp"
#include "words/pruning_words.hpp"
#include "words/recipe_axes.hpp"

namespace fairsweep {
namespace {

constexpr std::string_view kAxes = "axes";
constexpr std::string_view kBlockPrefix = "axes.";
constexpr std::string_view kRecipePrefix = "recipe.";
constexpr const char* kZip = "zip";

AxisValue read_architecture(const JobEntry& entry, const Sweep&, const std::string& name) {
    if (read_architecture_name(name)) return name;
    const std::string expected =
        "mobilefacenet, iresnet18, iresnet34, iresnet50, iresnet100, or reduced: iresnet<10|18|34|50|100>-w<W>[-<S>], "
        "mobilefacenet-w<W>[-<S>] with W a multiple of 8 in 16..512 and S another input size than 112, a multiple of 8 in "
        "32..224";
    if (name == "fer-cnn")
        refuse_value(entry, "'fer-cnn'", expected, "the task 'expression' and its network are not available yet");
    refuse_value(entry, "'" + name + "'", expected, suggestion(name, known_architectures()));
}

AxisValue read_training_set(const JobEntry& entry, const Sweep& sweep, const std::string& name) {
    require_data(entry, name, sweep);
    return name;
}

AxisValue read_bits(const JobEntry& entry, const Sweep&, const std::string& text) {
    const auto bits = parse_bits(text);
    if (!bits)
        refuse_value(entry, "'" + text + "'", "a bit width, 2 to 16 or 32: 8, or w4a8 for 4-bit weights and 8-bit activations");
    return *bits;
}

AxisValue read_calibration(const JobEntry& entry, const Sweep& sweep, const std::string& name) {
    if (name == "none") return {};
    if (name != "real") require_data(entry, name, sweep);
    return name;
}

AxisValue read_sparsity(const JobEntry& entry, const Sweep&, const std::string& text) {
    const auto value = parse_number(text);
    if (!value || *value < 0 || *value >= 1) refuse_value(entry, "'" + text + "'", "shares of zero weights from 0 to below 1");
    return *value + 0.0;  // "-0" has another text and so another id
}

AxisValue read_pruning(const JobEntry& entry, const Sweep&, const std::string& text) {
    if (with_pruning_words({}, text)) return text;
    std::string expected = "recipe, or words joined by '+', at most one of each kind:";
    for (const PruningKey& key : pruning_keys()) expected += (&key == &pruning_keys().front() ? " " : "; ") + joined(key.words);
    refuse_value(entry, "'" + text + "'", expected);
}

AxisValue read_distillation(const JobEntry& entry, const Sweep& sweep, const std::string& name) {
    std::vector<std::string> known;
    for (const std::string& loss : task_info(sweep.task).distillations) {
        known.push_back(loss);
        known.push_back(loss + std::string(kChainSuffix));
    }
    if (std::find(known.begin(), known.end(), name) == known.end())
        refuse_value(entry, "'" + name + "'", "one of " + joined(known), suggestion(name, known));
    return name;
}

/// How the values of an axis that every sweep has are read; an axis without a default must be given.
struct AxisReader {
    AxisValue (*read)(const JobEntry&, const Sweep&, const std::string& text);
    const char* example = nullptr;  ///< of an axis that must be given
};
const PerEnum<Axis, AxisReader>& readers() {
    static const PerEnum<Axis, AxisReader> table = [] {
        PerEnum<Axis, AxisReader> rows;
        rows[Axis::architecture] = {read_architecture, "iresnet18"};
        rows[Axis::training_set] = {read_training_set, "NAME, with a section [data.NAME]"};
        rows[Axis::bits] = {read_bits, "32, 8, 4"};
        rows[Axis::calibration] = {read_calibration};
        rows[Axis::sparsity] = {read_sparsity};
        rows[Axis::pruning] = {read_pruning};
        rows[Axis::distillation] = {read_distillation};
        return rows;
    }();
    return table;
}

/// [axes.NAME] in the order in which they first appear; [axes] where there is none.
std::vector<std::string> block_sections(const JobEntries& entries) {
    std::vector<std::string> sections;
    for (const JobEntry& entry : entries.all()) {
        if (!entry.section.starts_with(kBlockPrefix)) continue;
        if (std::find(sections.begin(), sections.end(), entry.section) == sections.end()) sections.push_back(entry.section);
    }
    if (sections.empty()) sections.emplace_back(kAxes);
    return sections;
}

/// What the block says of the key, or else [axes].
const JobEntry* find_in_block(const JobEntries& entries, const std::string& section, const std::string& key) {
    const JobEntry* own = entries.find(section, key);
    return own != nullptr ? own : entries.find(std::string(kAxes), key);
}

void add_recipe_axes(const JobEntries& entries, Sweep& sweep) {
    for (const JobEntry& entry : entries.all()) {
        if (!is_axes_section(entry.section) || !entry.key.starts_with(kRecipePrefix)) continue;
        const auto axis = recipe_axis(std::string_view(entry.key).substr(kRecipePrefix.size()));
        if (!axis) refuse_value(entry, "'" + entry.key + "', whose value is a list", "a key with a single value");
        if (std::find(sweep.axes.begin(), sweep.axes.end(), *axis) == sweep.axes.end()) sweep.axes.push_back(*axis);
    }
}

/// Whether some network of the sweep has preset "modern".
bool may_be_modern(const JobEntries& entries) {
    const auto says_modern = [](const JobEntry& entry) {
        const bool is_preset = (entry.section == "recipe" && entry.key == "preset") ||
                               (is_axes_section(entry.section) && entry.key == "recipe.preset");
        const auto words = split(entry.value, ',');
        return is_preset && std::find(words.begin(), words.end(), "modern") != words.end();
    };
    return std::any_of(entries.all().begin(), entries.all().end(), says_modern);
}

void read_recipe_of(const JobEntries& entries, Sweep& sweep) {
    const bool modern = may_be_modern(entries);
    sweep.recipe = read_recipe(entries, modern);
    sweep.recipe_settings = read_recipe_settings(entries, modern);
    for (const JobEntry& entry : entries.all()) {
        if (!is_axes_section(entry.section) || !entry.key.starts_with(kRecipePrefix)) continue;
        if (!find_recipe_key(entry.key.substr(kRecipePrefix.size()))->is_modern || modern) continue;
        refuse_value(entry, "'" + entry.key + "' with preset quantface", "preset = modern",
                     "the preset quantface is fixed: it computes what the reference does");
    }
}

/// "architecture + training_set, bits + sparsity": axes that are walked together.
std::vector<std::vector<std::size_t>> read_zip(const JobEntry* entry, const Sweep& sweep) {
    std::vector<std::vector<std::size_t>> zipped;
    if (entry == nullptr) return zipped;
    std::vector<std::size_t> taken;
    for (const std::string& together : list_of(*entry)) {
        std::vector<std::size_t> axes;
        for (const std::string& name : split(together, '+')) {
            const auto axis =
                std::find_if(sweep.axes.begin(), sweep.axes.end(), [&](const AxisInfo& a) { return a.name == name; });
            std::vector<std::string> names;
            for (const AxisInfo& known : sweep.axes) names.push_back(known.name);
            if (axis == sweep.axes.end())
                refuse_value(*entry, "'" + name + "'", "axes of this sweep joined by '+': " + joined(names),
                             suggestion(name, names));
            axes.push_back(static_cast<std::size_t>(axis - sweep.axes.begin()));
            if (std::find(taken.begin(), taken.end(), axes.back()) != taken.end())
                refuse_value(*entry, "'" + name + "' twice", "every axis once");
            taken.push_back(axes.back());
        }
        if (axes.size() < 2) refuse_value(*entry, "'" + together + "'", "two or more axes joined by '+'");
        zipped.push_back(std::move(axes));
    }
    return zipped;
}

std::vector<AxisValue> read_values(const JobEntry& entry, const Sweep& sweep, std::size_t axis, bool may_repeat) {
    if (entry.value.empty()) refuse_value(entry, "nothing", "at least one value");
    const std::vector<std::string> parts = split(entry.value, ',');
    std::vector<AxisValue> values;
    for (const std::string& part : parts) {
        if (part.empty())
            refuse_value(entry, "an empty place in '" + entry.value + "'", "values with single commas between them");
        AxisValue value = read_axis_value(entry, sweep, axis, part);
        if (!may_repeat && std::find(values.begin(), values.end(), value) != values.end())
            refuse_value(entry,
                         "'" + part + "'" + (std::count(parts.begin(), parts.end(), part) > 1 ? " twice" : " repeats a value"),
                         "every value once");
        values.push_back(std::move(value));
    }
    return values;
}

bool is_zipped(const AxisBlock& block, std::size_t axis) {
    return std::any_of(block.zipped.begin(), block.zipped.end(), [axis](const std::vector<std::size_t>& axes) {
        return std::find(axes.begin(), axes.end(), axis) != axes.end();
    });
}

void check_zipped_lengths(const JobEntries& entries, const std::string& section, const AxisBlock& block, const Sweep& sweep) {
    for (const std::vector<std::size_t>& axes : block.zipped) {
        for (const std::size_t axis : axes) {
            const std::size_t length = block.values[axes.front()].size();
            if (block.values[axis].size() == length) continue;
            refuse_value(*find_in_block(entries, section, kZip),
                         std::to_string(block.values[axis].size()) + " values of " + sweep.axes[axis].name,
                         std::to_string(length) + ", as many as of " + sweep.axes[axes.front()].name);
        }
    }
}

AxisBlock read_block(const JobEntries& entries, const std::string& section, const Sweep& sweep) {
    AxisBlock block = default_axis_block();
    block.name = section == kAxes ? "" : section.substr(kBlockPrefix.size());
    block.values.resize(sweep.axes.size());
    block.values[index_of(Axis::distillation)] = {task_info(sweep.task).distillations.front()};
    block.zipped = read_zip(find_in_block(entries, section, kZip), sweep);
    for (std::size_t axis = 0; axis < sweep.axes.size(); ++axis) {
        const std::string& name = sweep.axes[axis].name;
        const JobEntry* entry = find_in_block(entries, section, name);
        const char* example = axis < count_of<Axis> ? readers()[static_cast<Axis>(axis)].example : nullptr;
        if (entry == nullptr && example != nullptr) entry = &entries.require(section, name, example);
        if (entry != nullptr) {
            block.values[axis] = read_values(*entry, sweep, axis, is_zipped(block, axis));
        } else if (axis >= count_of<Axis>) {
            block.values[axis] = {axis_value(sweep.recipe, key_of(sweep.axes[axis]))};
        }
    }
    check_zipped_lengths(entries, section, block, sweep);
    return block;
}

/// Only the dense arm needs no calibration data.
void check_calibrations(const JobEntries& entries, const Sweep& sweep) {
    if (std::all_of(sweep.arms.begin(), sweep.arms.end(), [](Arm arm) { return arm == Arm::dense; })) return;
    for (const JobEntry& entry : entries.all()) {
        if (!is_axes_section(entry.section) || entry.key != name_of(Axis::calibration)) continue;
        const auto words = split(entry.value, ',');
        if (std::find(words.begin(), words.end(), "none") != words.end())
            refuse_value(entry, "'none'", "real, synthetic or a data set",
                         "only the dense arm needs no calibration data: arms = dense");
    }
}

}  // namespace

bool is_axes_section(const std::string& section) { return section == kAxes || section.starts_with(kBlockPrefix); }

const std::vector<std::string>& axes_keys() {
    static const std::vector<std::string> keys = [] {
        std::vector<std::string> list;
        for (const Axis axis : all_of<Axis>()) list.emplace_back(name_of(axis));
        list.emplace_back(kZip);
        for (const std::string& key : recipe_key_names()) list.push_back(std::string(kRecipePrefix) + key);
        return list;
    }();
    return keys;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

std::vector<std::string> data_names(const Sweep& sweep) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : sweep.data) names.push_back(name);
    return names;
}

void require_data(const JobEntry& entry, const std::string& name, const Sweep& sweep) {
    if (sweep.data.count(name) != 0) return;
    const std::vector<std::string> names = data_names(sweep);
    const std::string near = suggestion(name, names);
    refuse_value(entry, "'" + name + "', which has no section",
                 names.empty() ? "a section [data." + name + "]" : "one of the data sets: " + joined(names),
                 near.empty() ? "add [data." + name + "] with format and path" : near);
}

AxisValue read_axis_value(const JobEntry& entry, const Sweep& sweep, std::size_t axis, const std::string& text) {
    if (axis < count_of<Axis>) return readers()[static_cast<Axis>(axis)].read(entry, sweep, text);
    const RecipeKey& key = key_of(sweep.axes[axis]);
    check_recipe_value(entry, key, text);
    if (is_program_axis(sweep.axes[axis])) require_program(entry, text, sweep);
    Recipe recipe;
    static_cast<void>(set_recipe_key(recipe, key, text));
    return axis_value(recipe, key);
}

void read_axes(const JobEntries& entries, Sweep& sweep) {
    read_recipe_of(entries, sweep);
    add_recipe_axes(entries, sweep);
    sweep.blocks.clear();
    for (const std::string& section : block_sections(entries)) sweep.blocks.push_back(read_block(entries, section, sweep));
    check_calibrations(entries, sweep);
}

}  // namespace fairsweep
