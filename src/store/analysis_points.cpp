#include "store/analysis_points.hpp"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <limits>

#include "fairsweep/error.hpp"
#include "plan/tasks.hpp"
#include "store/known_files.hpp"
#include "store/layout.hpp"
#include "words/value_text.hpp"

namespace fairsweep {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Names the columns of /points with how to get at each. `visit` is called as text(name, get, set) for strings and
/// number(name, member) for what is stored as it is. persistent: names are what notebooks use.
template <typename Visitor>
void visit_points(Visitor& visit) {
    using P = AnalysisPoint;
    visit.text(
        "id", [](const P& p) { return p.point.id.hex(); }, [](P& p, const std::string& t) { p.point.id = Digest::from_hex(t); });
    visit.text(
        "arm", [](const P& p) { return std::string(name_of(p.point.arm)); }, nullptr);
    visit.template number<std::uint64_t>(
        "seed", [](auto& p) -> auto& { return p.point.seed; });
    visit.text(
        "network_id", [](const P& p) { return p.network_id.hex(); },
        [](P& p, const std::string& t) { p.network_id = Digest::from_hex(t); });
    visit.text(
        "baseline_recipe", [](const P& p) { return p.recipes.baseline; },
        [](P& p, const std::string& t) { p.recipes.baseline = t; });
    visit.text(
        "finetune_recipe", [](const P& p) { return p.recipes.finetune; },
        [](P& p, const std::string& t) { p.recipes.finetune = t; });
    visit.text(
        "compression_recipe", [](const P& p) { return p.recipes.compression; },
        [](P& p, const std::string& t) { p.recipes.compression = t; });
    visit.text(
        "state", [](const P& p) { return std::string(name_of(p.state)); }, nullptr);
    visit.text(
        "failure", [](const P& p) { return std::string(name_of(p.failure)); }, nullptr);
    visit.text(
        "message", [](const P& p) { return p.message; }, [](P& p, const std::string& t) { p.message = t; });
    visit.template number<std::uint32_t>(
        "attempts", [](auto& p) -> auto& { return p.attempts; });
    visit.template number<double>(
        "wall_s", [](auto& p) -> auto& { return p.wall_s; });
    visit.template number<std::uint64_t>(
        "peak_memory_bytes", [](auto& p) -> auto& { return p.peak_memory_bytes; });
    for (const Metric metric : all_of<Metric>())
        visit.template number<double>(
            name_of(metric), [metric](auto& p) -> auto& { return p.measured[metric]; });
    visit.text(
        "code_version", [](const P& p) { return p.code_version; }, [](P& p, const std::string& t) { p.code_version = t; });
}

struct PointWriter {
    h5::Writer& file;
    const std::vector<AnalysisPoint>& points;

    template <typename Get, typename Set>
    void text(const char* name, Get get, Set) {
        std::vector<std::string> values;
        for (const AnalysisPoint& point : points) values.push_back(get(point));
        file.put_text(std::string("/points/") + name, values);
    }
    template <typename T, typename Member>
    void number(const char* name, Member member) {
        std::vector<T> values;
        for (const AnalysisPoint& point : points) values.push_back(member(point));
        file.put(std::string("/points/") + name, values);
    }
};

struct PointReader {
    const h5::Reader& file;
    std::vector<AnalysisPoint>& points;

    template <typename Get, typename Set>
    void text(const char* name, Get, Set set) {
        if constexpr (!std::is_same_v<Set, std::nullptr_t>) {
            const auto values = file.get_text(std::string("/points/") + name, {points.size()});
            for (std::size_t i = 0; i < points.size(); ++i) set(points[i], values[i]);
        }
    }
    template <typename T, typename Member>
    void number(const char* name, Member member) {
        const auto values = file.get<T>(std::string("/points/") + name, {points.size()});
        for (std::size_t i = 0; i < points.size(); ++i) member(points[i]) = values[i];
    }
};

/// Sets an enumeration column from its names.
template <typename E, typename Member>
void get_codes(const h5::Reader& file, const char* path, std::vector<AnalysisPoint>& points, Member member) {
    const auto names = file.get_text(path, {points.size()});
    for (std::size_t i = 0; i < points.size(); ++i) {
        const auto value = from_name<E>(names[i]);
        if (!value) file.damaged(path, "'" + names[i] + "'", "a name of fairsweep's");
        member(points[i]) = *value;
    }
}

std::string column_of(const AxisInfo& axis) { return "/points/" + axis.name; }

/// One column per axis: words and bit widths as texts, numbers as numbers, with "none" and NaN where an axis has no part in a
/// point; and the two widths of bits as numbers.
void put_axes(h5::Writer& file, const AnalysisInput& input) {
    file.make_group("/axes");
    std::vector<std::string> names, kinds;
    std::vector<std::uint64_t> counts;
    for (std::size_t a = 0; a < input.axes.size(); ++a) {
        const AxisInfo& axis = input.axes[a];
        names.push_back(axis.name);
        kinds.emplace_back(name_of(axis.kind));
        counts.push_back(axis.values);
        std::vector<double> numbers;
        std::vector<std::string> texts;
        for (const AnalysisPoint& point : input.points) {
            numbers.push_back(number_or_nan(point.point.axes[a]));
            texts.push_back(text_of(point.point.axes[a]));
        }
        axis.kind == AxisKind::number ? file.put(column_of(axis), numbers) : file.put_text(column_of(axis), texts);
    }
    file.put_text("/axes/name", names);
    file.put_text("/axes/kind", kinds);
    file.put("/axes/values", counts);
    std::vector<std::int32_t> weight, activation;
    for (const AnalysisPoint& point : input.points) {
        weight.push_back(point.point.axes.bits().weight);
        activation.push_back(point.point.axes.bits().activation);
    }
    file.put("/points/bits_weight", weight);
    file.put("/points/bits_activation", activation);
}

AxisValue word_value(const std::string& text) { return text == "none" ? AxisValue{} : AxisValue{text}; }

void get_axis(const h5::Reader& file, std::size_t place, AnalysisInput& input) {
    const AxisInfo& axis = input.axes[place];
    const std::string path = column_of(axis);
    if (axis.kind == AxisKind::number) {
        const auto numbers = file.get<double>(path, {input.points.size()});
        for (std::size_t i = 0; i < numbers.size(); ++i)
            if (!std::isnan(numbers[i])) input.points[i].point.axes[place] = numbers[i];
        return;
    }
    const auto texts = file.get_text(path, {input.points.size()});
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (axis.kind == AxisKind::word) {
            input.points[i].point.axes[place] = word_value(texts[i]);
            continue;
        }
        const auto bits = parse_bits(texts[i]);
        if (!bits) file.damaged(path, "'" + texts[i] + "'", "bit widths");
        input.points[i].point.axes[place] = *bits;
    }
}

void get_axes(const h5::Reader& file, AnalysisInput& input) {
    const auto names = file.get_text("/axes/name");
    const auto kinds = file.get_text("/axes/kind", {names.size()});
    const auto counts = file.get<std::uint64_t>("/axes/values", {names.size()});
    input.axes.clear();
    for (std::size_t a = 0; a < names.size(); ++a) {
        const auto kind = from_name<AxisKind>(kinds[a]);
        if (!kind) file.damaged("/axes/kind", "'" + kinds[a] + "'", "word, number or bits");
        input.axes.push_back({names[a], *kind, counts[a]});
    }
    const auto common = common_axes();
    for (std::size_t a = 0; a < common.size(); ++a)
        if (a >= names.size() || names[a] != common[a].name || input.axes[a].kind != common[a].kind)
            file.damaged("/axes/name", a < names.size() ? names[a] : "the end", common[a].name);
    for (AnalysisPoint& point : input.points) point.point.axes = AxisValues(input.axes.size());
    for (std::size_t a = 0; a < input.axes.size(); ++a) get_axis(file, a, input);
}

/// Counts are stored as numbers too, so that a point without evaluation has NaN there.
void put_figures(h5::Writer& file, const AnalysisInput& input) {
    file.make_group("/figures");
    const std::size_t groups = input.groups.size();
    const std::vector<FigureColumn> columns = task_info(input.task).figures(input.classes);
    for (std::size_t column = 0; column < columns.size(); ++column) {
        std::vector<double> values;
        values.reserve(input.points.size() * groups);
        for (const AnalysisPoint& point : input.points) {
            for (std::size_t g = 0; g < groups; ++g) values.push_back(g < point.figures.size() ? point.figures[g][column] : kNan);
        }
        const std::string path = "/figures/" + columns[column].name;
        file.put(path, std::span<const double>(values), {input.points.size(), groups});
        if (!columns[column].unit.empty()) file.set_attribute(path, "unit", columns[column].unit);
    }
}

void get_figures(const h5::Reader& file, AnalysisInput& input) {
    const std::size_t groups = input.groups.size();
    const std::vector<FigureColumn> columns = task_info(input.task).figures(input.classes);
    for (AnalysisPoint& point : input.points) {
        if (point.state == StageState::done) point.figures.assign(groups, std::vector<double>(columns.size()));
    }
    for (std::size_t column = 0; column < columns.size(); ++column) {
        const std::string path = "/figures/" + columns[column].name;
        const auto values = file.get<double>(path, {input.points.size(), groups});
        for (std::size_t i = 0; i < input.points.size(); ++i) {
            for (std::size_t g = 0; g < input.points[i].figures.size(); ++g) {
                const double value = values[i * groups + g];
                const bool fits = value >= 0 && value <= 4294967295.0 && value == std::floor(value);
                if (columns[column].is_count && !fits) file.damaged(path, fmt::format("{}", value), "a count");
                input.points[i].figures[g][column] = value;
            }
        }
    }
}

}  // namespace

void put_analysis_input(h5::Writer& file, const AnalysisInput& input) {
    file.set_attribute("/", "format", std::string(kAnalysisFormat));
    file.set_attribute("/", "version", kAnalysisVersion);
    file.put_text("/task", {input.task});
    file.put_text("/groups", input.groups);
    if (!input.classes.empty()) file.put_text("/classes", input.classes);
    file.make_group("/points");
    PointWriter writer{file, input.points};
    visit_points(writer);
    put_axes(file, input);
    put_figures(file, input);
    put_items(file, task_info(input.task), input.items);
    file.make_group("/provenance");
    file.put_text("/provenance/sources", input.sources);
    file.put_text("/provenance/sweep_name", {input.sweep_name});
    file.put_text("/provenance/code_version", {input.code_version});
    file.put_text("/provenance/data_sets", input.data_sets);
    file.put_text("/provenance/planted", {input.planted});
    file.put_text("/provenance/job_text", {input.job_text});
    file.put_text("/provenance/created", {input.created});
}

AnalysisInput get_analysis_input(const h5::Reader& file) {
    AnalysisInput input;
    input.task = file.get_text("/task", {1}).front();
    input.groups = file.get_text("/groups");
    if (file.has("/classes")) input.classes = file.get_text("/classes");
    input.points.resize(file.get_text("/points/id").size());
    PointReader reader{file, input.points};
    visit_points(reader);
    get_axes(file, input);
    get_codes<Arm>(file, "/points/arm", input.points, [](AnalysisPoint& p) -> Arm& { return p.point.arm; });
    get_codes<StageState>(file, "/points/state", input.points, [](AnalysisPoint& p) -> StageState& { return p.state; });
    get_codes<FailureClass>(file, "/points/failure", input.points, [](AnalysisPoint& p) -> FailureClass& { return p.failure; });
    get_figures(file, input);
    input.items = get_items(file, task_info(input.task));
    input.sources = file.get_text("/provenance/sources");
    input.sweep_name = file.get_text("/provenance/sweep_name", {1})[0];
    input.code_version = file.get_text("/provenance/code_version", {1})[0];
    input.data_sets = file.get_text("/provenance/data_sets");
    input.planted = file.get_text("/provenance/planted", {1})[0];
    input.job_text = file.get_text("/provenance/job_text", {1})[0];
    input.created = file.get_text("/provenance/created", {1})[0];
    return input;
}

}  // namespace fairsweep
