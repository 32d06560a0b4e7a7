/// The plan as JSON. Ids, names and indices are checked on reading; nothing is trusted to be in range.
#include <nlohmann/json.hpp>

#include "fairsweep/error.hpp"
#include "fairsweep/json_depth.hpp"
#include "fairsweep/plan.hpp"
#include "words/value_text.hpp"

namespace fairsweep {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kShownBytes = 80;
constexpr int kFormat = 3;  // persistent: raise when the layout below changes

/// What reads plans and parameters may print or copy them, which recurses.
void check_depth(const std::string& json, const std::string& where) {
    const std::size_t depth = json_depth(json);
    if (depth <= kMaxJsonDepth) return;
    throw_store({.attempted = "cannot read a plan",
                 .where = where,
                 .found = "arrays and objects " + std::to_string(depth) + " deep",
                 .expected = "at most " + std::to_string(kMaxJsonDepth),
                 .hint = "the store is damaged, or not one that fairsweep made"});
}

Json to_json(const Stage& stage) {
    Json json = {{"id", stage.id.hex()}, {"kind", name_of(stage.kind)}, {"parameters", stage.parameters.text()},
                 {"needs", stage.needs}, {"data", Json::array()},       {"cost_s", stage.cost_s}};
    for (const std::string& data : stage.data_sets) json["data"].push_back(data);
    if (!stage.program.text().empty()) json["program"] = stage.program.text();
    return json;
}

Json to_json(const ProgramSettings& program) {
    return {{"time_limit_s", program.time_limit_s},
            {"stop_signal", program.stop_signal},
            {"grace_s", program.grace_s},
            {"log_bytes", program.log_bytes},
            {"depends", program.depends}};
}

Json to_json(const AxisInfo& axis) { return {{"name", axis.name}, {"kind", name_of(axis.kind)}, {"values", axis.values}}; }

/// Numbers as numbers, bit widths as their text, null where the axis has no part in the point.
Json to_json(const AxisValues& values) {
    Json json = Json::array();
    for (std::size_t axis = 0; axis < values.size(); ++axis) {
        const AxisValue& value = values[axis];
        if (std::holds_alternative<std::monostate>(value)) {
            json.push_back(nullptr);
        } else if (const auto* number = std::get_if<double>(&value)) {
            json.push_back(*number);
        } else {
            json.push_back(text_of(value));
        }
    }
    return json;
}

Json to_json(const Point& point) {
    Json json = {{"id", point.id.hex()},
                 {"arm", name_of(point.arm)},
                 {"axes", to_json(point.axes)},
                 {"seed", point.seed},
                 {"network_stage", point.network_stage},
                 {"evaluation_stage", point.evaluation_stage}};
    if (!point.measurements.empty()) json["measurements"] = point.measurements;
    return json;
}

Json to_json(const PlannedData& data) {
    return {{"format", data.source.format}, {"path", data.source.path.string()}, {"groups", data.source.groups},
            {"id", data.id.hex()},          {"present", data.present},           {"images", data.images},
            {"planted", data.planted}};
}

template <typename Enumeration>
Enumeration known(const Json& json) {
    const auto& name = json.get_ref<const std::string&>();
    if (const auto value = from_name<Enumeration>(name)) return *value;
    throw_store({.attempted = "cannot read a plan", .found = "'" + name + "'", .expected = "a word of this version"});
}

StageIndex checked_index(const Json& json, std::size_t limit, const char* what) {
    const auto value = json.get<std::int64_t>();
    if (value < 0 || static_cast<std::uint64_t>(value) >= limit) {
        throw_store({.attempted = "cannot read a plan",
                     .where = what,
                     .found = std::to_string(value),
                     .expected = "a stage index below " + std::to_string(limit)});
    }
    return static_cast<StageIndex>(value);
}

Stage stage_from(const Json& json, std::size_t own_index) {
    Stage stage;
    stage.id = Digest::from_hex(json.at("id").get_ref<const std::string&>());
    stage.kind = known<StageKind>(json.at("kind"));
    const auto& parameters = json.at("parameters").get_ref<const std::string&>();
    check_depth(parameters, "the parameters of a stage");
    stage.parameters = parameters;
    // Needs come before: the list is in topological order.
    for (const Json& need : json.at("needs")) stage.needs.push_back(checked_index(need, own_index, "needs of a stage"));
    for (const Json& data : json.at("data")) stage.data_sets.emplace_back(data.get_ref<const std::string&>());
    stage.cost_s = json.at("cost_s").get<double>();
    stage.program = json.value("program", "");
    return stage;
}

[[noreturn]] void refuse_value(const AxisInfo& axis, const Json& json) {
    throw_store({.attempted = "cannot read a plan",
                 .where = "axis " + axis.name + " of a point",
                 .found = json.dump().substr(0, kShownBytes),
                 .expected = "a value of this axis"});
}

AxisValue value_from(const Json& json, const AxisInfo& axis) {
    if (axis.kind == AxisKind::number && json.is_number()) return json.get<double>();
    if (axis.kind == AxisKind::word && json.is_string()) return json.get<std::string>();
    if (axis.kind == AxisKind::bits && json.is_string()) {
        if (const auto bits = parse_bits(json.get_ref<const std::string&>())) return *bits;
    }
    // Of the common axes, bits and sparsity always have a value.
    const bool may_be_nothing = axis.name != name_of(Axis::bits) && axis.name != name_of(Axis::sparsity);
    if (!json.is_null() || !may_be_nothing) refuse_value(axis, json);
    return std::monostate{};
}

std::vector<AxisInfo> axes_from(const Json& json) {
    std::vector<AxisInfo> axes;
    for (const Json& axis : json)
        axes.push_back(
            {axis.at("name").get<std::string>(), known<AxisKind>(axis.at("kind")), axis.at("values").get<std::uint64_t>()});
    std::vector<AxisInfo> common = common_axes();
    for (std::size_t i = 0; i < common.size(); ++i) {
        if (i < axes.size() && axes[i].name == common[i].name && axes[i].kind == common[i].kind) continue;
        throw_store({.attempted = "cannot read a plan",
                     .where = "axes",
                     .found = i < axes.size() ? axes[i].name : "the end",
                     .expected = common[i].name,
                     .hint = "the store was made by another version of fairsweep"});
    }
    return axes;
}

AxisValues values_from(const Json& json, const std::vector<AxisInfo>& axes) {
    if (json.size() != axes.size()) refuse_value({"(all)", {}, 0}, json);
    AxisValues values(axes.size());
    for (std::size_t axis = 0; axis < axes.size(); ++axis) values[axis] = value_from(json.at(axis), axes[axis]);
    return values;
}

Point point_from(const Json& json, const std::vector<AxisInfo>& axes, std::size_t stages) {
    Point point;
    point.id = Digest::from_hex(json.at("id").get_ref<const std::string&>());
    point.arm = known<Arm>(json.at("arm"));
    point.axes = values_from(json.at("axes"), axes);
    point.seed = json.at("seed").get<std::uint64_t>();
    point.network_stage = checked_index(json.at("network_stage"), stages, "network stage of a point");
    point.evaluation_stage = checked_index(json.at("evaluation_stage"), stages, "evaluation stage of a point");
    for (const Json& stage : json.value("measurements", Json::array()))
        point.measurements.push_back(checked_index(stage, stages, "measurements of a point"));
    return point;
}

PlannedData data_from(const std::string& name, const Json& json) {
    PlannedData data;
    data.source.name = name;
    data.source.format = json.at("format").get<std::string>();
    data.source.path = json.at("path").get<std::string>();
    data.source.groups = json.at("groups").get<std::vector<std::string>>();
    data.id = Digest::from_hex(json.at("id").get_ref<const std::string&>());
    data.present = json.at("present").get<bool>();
    data.images = json.at("images").get<std::uint64_t>();
    data.planted = json.value("planted", "");  // older plans have none
    return data;
}

ProgramSettings program_from(const Json& json) {
    return {.time_limit_s = json.at("time_limit_s").get<double>(),
            .stop_signal = json.at("stop_signal").get<std::string>(),
            .grace_s = json.at("grace_s").get<double>(),
            .log_bytes = json.at("log_bytes").get<std::uint64_t>(),
            .depends = json.value("depends", std::vector<std::string>())};  // older plans have none
}

Plan plan_from(const Json& json) {
    const int format = json.at("format").get<int>();
    if (format != kFormat) {
        throw_store({.attempted = "cannot read a plan",
                     .where = "format",
                     .found = std::to_string(format),
                     .expected = std::to_string(kFormat),
                     .hint = "the store was made by another version of fairsweep"});
    }
    Plan plan;
    plan.sweep_name = json.at("sweep_name").get<std::string>();
    plan.task = json.at("task").get<std::string>();
    plan.groups = json.at("groups").get<std::vector<std::string>>();
    plan.classes = json.value("classes", std::vector<std::string>());  // of tasks that have some
    plan.axes = axes_from(json.at("axes"));
    for (const Json& stage : json.at("stages")) plan.stages.push_back(stage_from(stage, plan.stages.size()));
    for (const Json& point : json.at("points")) plan.points.push_back(point_from(point, plan.axes, plan.stages.size()));
    for (const auto& [name, data] : json.at("data").items()) {
        plan.data.emplace(name, data_from(name, data));
    }
    const Json programs = json.value("programs", Json::object());
    for (const auto& [name, program] : programs.items()) plan.programs.emplace(name, program_from(program));
    const Json run = json.value("run", Json::object());  // older plans lack it, or keys of it
    plan.run.checkpoint_s = run.value("checkpoint_s", plan.run.checkpoint_s);
    plan.run.team_ranks = run.value("team_ranks", plan.run.team_ranks);
    plan.seeds = json.at("seeds").get<std::uint64_t>();
    for (const Json& removed : json.at("removed")) {
        plan.removed.push_back({removed.at("rule").get<std::string>(), removed.at("points").get<std::uint64_t>()});
    }
    plan.stages_shared = json.at("stages_shared").get<std::uint64_t>();
    plan.provisional = json.at("provisional").get<bool>();
    plan.job_text = json.at("job_text").get<std::string>();
    plan.code_version = json.at("code_version").get<std::string>();
    return plan;
}

}  // namespace

std::string plan_to_json(const Plan& plan) {
    Json json = {{"format", kFormat},
                 {"sweep_name", plan.sweep_name},
                 {"task", plan.task},
                 {"groups", plan.groups},
                 {"seeds", plan.seeds},
                 {"stages_shared", plan.stages_shared},
                 {"provisional", plan.provisional},
                 {"run", {{"checkpoint_s", plan.run.checkpoint_s}, {"team_ranks", plan.run.team_ranks}}},
                 {"job_text", plan.job_text},
                 {"code_version", plan.code_version}};
    if (!plan.classes.empty()) json["classes"] = plan.classes;
    Json& axes = json["axes"] = Json::array();
    for (const AxisInfo& axis : plan.axes) axes.push_back(to_json(axis));
    Json& stages = json["stages"] = Json::array();
    for (const Stage& stage : plan.stages) stages.push_back(to_json(stage));
    Json& points = json["points"] = Json::array();
    for (const Point& point : plan.points) points.push_back(to_json(point));
    Json& data = json["data"] = Json::object();
    for (const auto& [name, planned] : plan.data) data[name] = to_json(planned);
    for (const auto& [name, program] : plan.programs) json["programs"][name] = to_json(program);
    Json& removed = json["removed"] = Json::array();
    for (const RemovedPoints& rule : plan.removed) removed.push_back({{"rule", rule.rule}, {"points", rule.points}});
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Plan plan_from_json(const std::string& text) {
    check_depth(text, "");
    try {
        return plan_from(Json::parse(text));
    } catch (const Json::exception& error) {
        throw_store({.attempted = "cannot read a plan",
                     .found = error.what(),
                     .expected = "the JSON that plan_to_json writes",
                     .hint = "the store is damaged, or was made by another version of fairsweep"});
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::store) throw;
        throw_store({.attempted = "cannot read a plan", .found = error.what(), .expected = "the JSON that plan_to_json writes"});
    }
}

}  // namespace fairsweep
