#include <fmt/format.h>

#include "fairsweep/text.hpp"
#include "report/names.hpp"
#include "report/table_builder.hpp"
#include "report/tables.hpp"

namespace fairsweep {
namespace {

/// "A", or "A = B" where groups tie.
std::string names_of(const AnalysisInput& input, const std::vector<std::size_t>& groups) {
    std::string text;
    for (const std::size_t g : groups) text += (text.empty() ? "" : " = ") + input.groups[g];
    return text;
}

/// A row about a network or the mean of several: its configuration, its figures and, in group tables, the group.
struct SummaryRow {
    const Configuration* configuration;
    const Summary* summary;
    std::size_t group = 0;
    std::size_t item_class = 0;
    std::vector<std::uint64_t> seeds;
    std::vector<const AnalysisPoint*> points;  ///< [seeds]
    [[nodiscard]] const AnalysisPoint& point() const { return *points.front(); }
    /// Mean over seeds; NaN where one of them lacks it.
    [[nodiscard]] double measured(Metric metric) const {
        double sum = 0.0;
        for (const AnalysisPoint* one : points) sum += one->measured[metric];
        return sum / static_cast<double>(points.size());
    }
    [[nodiscard]] const GroupSummary& in_group() const { return summary->groups[group]; }
};

using Builder = TableBuilder<SummaryRow>;

/// One column per axis, with the arm after those of networks, and both widths of bits as numbers. `of(item)` is the
/// configuration.
template <typename Item, typename Of>
void add_axes(TableBuilder<Item>& table, const std::vector<AxisInfo>& axes, const Of& of) {
    for (std::size_t a = 0; a < axes.size(); ++a) {
        if (a == index_of(Axis::bits)) table.text("arm", [&](const Item& i) { return std::string(name_of(of(i).arm)); });
        if (axes[a].kind == AxisKind::number) {
            const char* unit = a == index_of(Axis::sparsity) ? "fraction" : "";
            table.number(axes[a].name, unit, [&](const Item& i) { return number_or_nan(of(i).axes[a]); });
        } else {
            table.text(axes[a].name, [&](const Item& i) { return text_of(of(i).axes[a]); });
        }
        if (axes[a].kind != AxisKind::bits) continue;
        table.count("weight_bits", "bit", [&](const Item& i) { return of(i).axes.bits().weight; })
            .count("activation_bits", "bit", [&](const Item& i) { return of(i).axes.bits().activation; });
    }
    table.text("baseline_recipe", [&](const Item& i) { return of(i).baseline_recipe; })
        .text("finetune_recipe", [&](const Item& i) { return of(i).finetune_recipe; })
        .text("compression_recipe", [&](const Item& i) { return of(i).compression_recipe; });
}

/// Of a single network its seed; of means how many and which.
void add_seeds(Builder& table, bool single) {
    if (single) {
        table.count("seed", "", [](const SummaryRow& r) { return r.seeds.front(); });
        return;
    }
    table.count("n_seeds", "", [](const SummaryRow& r) { return r.seeds.size(); }).text("seed_list", [](const SummaryRow& r) {
        std::string text;
        for (const std::uint64_t seed : r.seeds) text += (text.empty() ? "" : " ") + std::to_string(seed);
        return text;
    });
}

/// Indices of error rates at the pooled threshold.
void add_indices(Builder& table) {
    table.figure("fdr", "1 is fair", [](const SummaryRow& r) { return r.summary->fdr; })
        .no_bias("fdr", "1 is fair", [](const SummaryRow& r) { return r.summary->fdr_no_bias; })
        .figure("inequity_rate", "1 is fair", [](const SummaryRow& r) { return r.summary->inequity; })
        .no_bias("inequity_rate", "1 is fair", [](const SummaryRow& r) { return r.summary->inequity_no_bias; })
        .figure("garbe", "0 is fair", [](const SummaryRow& r) { return r.summary->garbe_index; })
        .no_bias("garbe", "0 is fair", [](const SummaryRow& r) { return r.summary->garbe_no_bias; });
}

/// One column per metric; fractions say so in their names.
void add_metrics(Builder& table) {
    for (const Metric metric : all_of<Metric>()) {
        const std::string unit = unit_of(metric);
        table.number(name_of(metric) + std::string(unit == "fraction" ? "_fraction" : ""), unit,
                     [metric](const SummaryRow& r) { return r.measured(metric); });
    }
}

void add_summary(Builder& table, const AnalysisInput& input) {
    table.figure("average_percent", "percent", [](const SummaryRow& r) { return r.summary->average; })
        .figure("std_points", "percentage points (ddof 1)", [](const SummaryRow& r) { return r.summary->deviation; })
        .figure("ser", "ratio", [](const SummaryRow& r) { return r.summary->error_ratio; })
        .figure("gap_points", "percentage points", [](const SummaryRow& r) { return r.summary->gap; })
        .text("worst_group", [&input](const SummaryRow& r) { return names_of(input, r.summary->worst_groups); })
        .figure("worst_error_percent", "percent",
                [](const SummaryRow& r) {
                    return Figure{r.summary->worst_error, r.summary->worst_error_interval};
                })
        .text("best_group", [&input](const SummaryRow& r) { return names_of(input, r.summary->best_groups); })
        .number("homogeneity_p", "probability", [](const SummaryRow& r) { return r.summary->homogeneity_p; })
        .number("std_no_bias_mean_points", "percentage points",
                [](const SummaryRow& r) { return r.summary->deviation_no_bias.mean; })
        .number("std_no_bias_p95_points", "percentage points",
                [](const SummaryRow& r) { return r.summary->deviation_no_bias.p95; })
        .number("ser_no_bias_mean", "ratio", [](const SummaryRow& r) { return r.summary->error_ratio_no_bias.mean; })
        .number("ser_no_bias_p95", "ratio", [](const SummaryRow& r) { return r.summary->error_ratio_no_bias.p95; });
    if (input.classes.empty()) add_indices(table);
    table.count("floor", "1: a group is near guessing", [](const SummaryRow& r) { return r.summary->has_floor(); });
    add_metrics(table);
}

/// What verification has in a group besides its accuracy.
void add_errors(Builder& table) {
    table.figure("accuracy_pooled_percent", "percent", [](const SummaryRow& r) { return r.in_group().accuracy_pooled; })
        .figure("fmr_fraction", "fraction", [](const SummaryRow& r) { return r.in_group().fmr; })
        .figure("fnmr_fraction", "fraction", [](const SummaryRow& r) { return r.in_group().fnmr; })
        .limits("fmr_frozen_fraction", "fraction", [](const SummaryRow& r) { return r.in_group().fmr_frozen; })
        .limits("fnmr_frozen_fraction", "fraction", [](const SummaryRow& r) { return r.in_group().fnmr_frozen; })
        .figure("eer_fraction", "fraction", [](const SummaryRow& r) { return r.in_group().eer; })
        .figure("auc_fraction", "fraction", [](const SummaryRow& r) { return r.in_group().auc; });
}

void add_group(Builder& table, const AnalysisInput& input) {
    table.text("group", [&input](const SummaryRow& r) { return input.groups[r.group]; })
        .figure("accuracy_percent", "percent", [](const SummaryRow& r) { return r.in_group().accuracy; })
        .figure("error_percent", "percent",
                [](const SummaryRow& r) {
                    const Figure& accuracy = r.in_group().accuracy;
                    return Figure{100.0 - accuracy.value, {100.0 - accuracy.interval.high, 100.0 - accuracy.interval.low}};
                })
        .number("accuracy_seed_sd_points", "percentage points", [](const SummaryRow& r) { return r.in_group().seed_deviation; });
    if (input.classes.empty())
        add_errors(table);
    else
        table.number("balanced_accuracy_percent", "percent", [](const SummaryRow& r) { return r.in_group().balanced_accuracy; });
    table.count("floor", "1: near guessing", [](const SummaryRow& r) { return r.in_group().floor; });
}

void add_provenance(Builder& table) {
    table.text("point", [](const SummaryRow& r) { return r.point().point.id.hex(); })
        .text("network", [](const SummaryRow& r) { return r.point().network_id.hex(); })
        .count("attempts", "", [](const SummaryRow& r) { return r.point().attempts; })
        .number("wall_s", "s", [](const SummaryRow& r) { return r.point().wall_s; })
        .text("code_version", [](const SummaryRow& r) { return r.point().code_version; });
}

/// One row per summary, or per summary and group.
std::vector<SummaryRow> by_group(const std::vector<SummaryRow>& rows) {
    std::vector<SummaryRow> result;
    for (const SummaryRow& row : rows) {
        for (std::size_t g = 0; g < row.summary->groups.size(); ++g) {
            result.push_back(row);
            result.back().group = g;
        }
    }
    return result;
}

/// One row per summary, group and class.
std::vector<SummaryRow> by_class(const std::vector<SummaryRow>& rows) {
    std::vector<SummaryRow> result;
    for (const SummaryRow& row : by_group(rows)) {
        for (std::size_t c = 0; c < row.in_group().recalls.size(); ++c) {
            result.push_back(row);
            result.back().item_class = c;
        }
    }
    return result;
}

void add_class(Builder& table, const AnalysisInput& input) {
    table.text("group", [&input](const SummaryRow& r) { return input.groups[r.group]; })
        .text("class", [&input](const SummaryRow& r) { return input.classes[r.item_class]; })
        .figure("recall_percent", "percent", [](const SummaryRow& r) { return r.in_group().recalls[r.item_class]; });
}

std::vector<SummaryRow> configuration_rows(const AnalysisInput& input, const Analysis& analysis) {
    std::vector<SummaryRow> rows;
    for (const AnalysedConfiguration& c : analysis.configurations) {
        rows.push_back({&c.configuration, &c.summary, 0, 0, c.seeds, {}});
        for (const std::size_t point : c.points) rows.back().points.push_back(&input.points[point]);
    }
    return rows;
}

std::vector<SummaryRow> point_rows(const AnalysisInput& input, const Analysis& analysis) {
    std::map<std::size_t, const Configuration*> configuration_of;
    for (const AnalysedConfiguration& c : analysis.configurations) {
        for (const std::size_t point : c.points) configuration_of[point] = &c.configuration;
    }
    std::vector<SummaryRow> rows;
    for (const AnalysedPoint& point : analysis.points) {
        const AnalysisPoint& source = input.points[point.index];
        rows.push_back({configuration_of.at(point.index), &point.summary, 0, 0, {source.point.seed}, {&source}});
    }
    return rows;
}

/// What a reader of a change should know beside its interval.
std::string note_of(const Contrast& contrast, const Configuration& treated) {
    std::vector<std::string> notes;
    if (contrast.seeds < 3) notes.emplace_back("few seeds");
    if (contrast.floor) notes.emplace_back("floor");
    const bool other_schedule =
        treated.axes.pruning().find("prune-first") != std::string::npos && !treated.axes.bits().is_float();
    if (other_schedule && contrast.kind == "compressed - sham")
        notes.emplace_back("the twin keeps its momentum at half of the steps");
    return fmt::format("{}", fmt::join(notes, "; "));
}

ResultTable contrast_table(const Analysis& analysis) {
    TableBuilder<Contrast> table("contrasts", analysis.contrasts);
    const auto treated = [&analysis](const Contrast& c) -> const Configuration& {
        return analysis.configurations[c.treated].configuration;
    };
    const auto reference = [&analysis](const Contrast& c) -> const Configuration& {
        return analysis.configurations[c.reference].configuration;
    };
    add_axes(table, analysis.axes, treated);
    table.text("reference_arm", [&](const Contrast& c) { return std::string(name_of(reference(c).arm)); })
        .text("reference_calibration", [&](const Contrast& c) { return reference(c).axes.calibration(); })
        .text("kind", [](const Contrast& c) { return c.kind; })
        .text("metric", [](const Contrast& c) { return c.metric; })
        .text("group", [](const Contrast& c) { return c.group.empty() ? std::string("all") : c.group; })
        .number("group_share_fraction", "fraction", [](const Contrast& c) { return c.group_share; })
        .figure("change_points", "percentage points",
                [](const Contrast& c) {
                    return Figure{c.estimate.value, c.estimate.interval};
                })
        .limits("change_points_simultaneous", "percentage points", [](const Contrast& c) { return c.simultaneous; })
        .number("degrees_of_freedom", "", [](const Contrast& c) { return c.estimate.degrees_of_freedom; })
        .number("p_value", "probability", [](const Contrast& c) { return c.p_value; })
        .number("p_adjusted", "probability", [](const Contrast& c) { return c.p_adjusted; })
        .text("family", [](const Contrast& c) { return std::string(c.primary ? "primary" : "exploratory"); })
        .count("n_seeds", "", [](const Contrast& c) { return c.seeds; })
        .number("seed_sd_points", "percentage points", [](const Contrast& c) { return c.seed_deviation; })
        .text("note", [&](const Contrast& c) { return note_of(c, treated(c)); });
    return table.finish(analysis.conventions);
}

using Lines = std::vector<std::pair<std::string, std::string>>;  ///< name and text

ResultTable line_table(const std::string& name, const Lines& lines) {
    TableBuilder<Lines::value_type> table(name, lines);
    table.text("name", [](const auto& line) { return line.first; }).text("text", [](const auto& line) { return line.second; });
    return table.finish({});
}

/// Points without figures, and why.
ResultTable not_done_table(const AnalysisInput& input, const Analysis& analysis) {
    const ConfigurationNames names(analysis.configurations, analysis.axes);
    Lines lines;
    for (const AnalysisPoint& point : input.points) {
        if (point.state == StageState::done) continue;
        std::string why = name_of(point.state);
        if (point.failure != FailureClass::none) why += std::string(" (") + name_of(point.failure) + ")";
        if (!point.message.empty()) why += ": " + point.message;
        lines.emplace_back(std::string(name_of(point.point.arm)) + ", " + names(configuration_of(point)) + ", seed " +
                               std::to_string(point.point.seed),
                           why);
    }
    return line_table("not_done", lines);
}

/// Planted and measured difficulty side by side; no rows where the faces are not known to be drawn.
ResultTable planted_table(const AnalysisInput& input, const Analysis& analysis) {
    struct Row {
        PlantedGroup planted;
        double error_percent;
        std::size_t measured_rank;
    };
    std::vector<Row> rows;
    const std::vector<double> errors = mean_errors_percent(input, analysis);
    for (std::size_t g = 0; analysis.planted && g < errors.size(); ++g) {
        const auto harder = std::count_if(errors.begin(), errors.end(), [&](double error) { return error > errors[g]; });
        rows.push_back({analysis.planted->groups[g], errors[g], static_cast<std::size_t>(harder) + 1});
    }
    TableBuilder<Row> table("planted", rows);
    table.text("group", [](const Row& r) { return r.planted.name; })
        .count("planted_rank", "1: hardest (shared by equally hard ones)", [](const Row& r) { return r.planted.rank; })
        .number("identity_spread", "1 is usual", [](const Row& r) { return r.planted.identity_spread; })
        .number("noise_multiplier", "1 is usual", [](const Row& r) { return r.planted.noise_multiplier; })
        .count("measured_rank", "1: most errors", [](const Row& r) { return r.measured_rank; })
        .number("error_percent", "percent (mean of the uncompressed networks)", [](const Row& r) { return r.error_percent; });
    return table.finish({});
}

ResultTable text_table(const std::string& name, const std::vector<std::string>& lines) {
    TableBuilder<std::string> table(name, lines);
    table.text("text", [](const std::string& line) { return line; });
    return table.finish({});
}

}  // namespace

std::vector<ResultTable> result_tables(const AnalysisInput& input, const Analysis& analysis) {
    const std::vector<SummaryRow> points = point_rows(input, analysis);
    const std::vector<SummaryRow> configurations = configuration_rows(input, analysis);
    using Add = void (*)(Builder&, const AnalysisInput&);
    const auto build = [&](const char* name, const std::vector<SummaryRow>& rows, Add add, bool provenance) {
        Builder table(name, rows);
        add_axes(table, analysis.axes, [](const SummaryRow& r) -> const Configuration& { return *r.configuration; });
        add_seeds(table, provenance);
        add(table, input);
        if (provenance) add_provenance(table);
        return table.finish(analysis.conventions);
    };
    const Lines conventions(analysis.conventions.begin(), analysis.conventions.end());
    std::vector<ResultTable> tables{build("points", points, add_summary, true),
                                    build("groups", by_group(points), add_group, true),
                                    build("configurations", configurations, add_summary, false),
                                    build("configuration_groups", by_group(configurations), add_group, false),
                                    contrast_table(analysis),
                                    planted_table(input, analysis),
                                    text_table("banner", analysis.banner),
                                    text_table("findings", analysis.findings),
                                    text_table("warnings", analysis.warnings),
                                    line_table("conventions", conventions),
                                    overview_table(input, analysis),
                                    not_done_table(input, analysis)};
    if (!input.classes.empty()) {
        tables.push_back(build("classes", by_class(points), add_class, true));
        tables.push_back(build("configuration_classes", by_class(configurations), add_class, false));
    }
    return tables;
}

}  // namespace fairsweep
