/// fairsweep analyze: statistics into the analysis file, tidy CSV beside, a table on the terminal.
#include <iostream>

#include "commands.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "report/analysis.hpp"
#include "report/group_by.hpp"
#include "report/stored_figures.hpp"
#include "report/tables.hpp"

namespace fairsweep {
namespace po = boost::program_options;

int analyze_command(const Arguments& arguments) {
    po::options_description options("options");
    options.add_options()("file", po::value<std::string>(), "the analysis file that merge made")(
        "csv", po::value<std::string>(), "also write every table as CSV into this folder")(
        "group-by", po::value<std::string>(), "another column of groups of the same items, such as sex; the set's own: group")(
        "replicates", po::value<std::uint32_t>()->default_value(1000), "of the identity bootstrap, at least 200");
    po::positional_options_description positional;
    positional.add("file", 1);
    po::variables_map values;
    const CommandHelp help{"fairsweep analyze A.h5 [--group-by COLUMN] [--csv DIR]",
                           "Computes every figure with its interval and adds the tables to the analysis file.",
                           "  fairsweep merge sweep.h5 --output analysis.h5\n  fairsweep analyze analysis.h5 --csv tables"};
    if (!parse_arguments(arguments, help, options, positional, values)) return 0;
    if (values.count("file") == 0) {
        throw_usage({.attempted = "analyze",
                     .where = help.usage,
                     .found = "no file named",
                     .expected = "an analysis file",
                     .hint = "make one with: fairsweep merge STORE --output A.h5"});
    }
    AnalysisOptions analysis_options;
    analysis_options.replicates = values["replicates"].as<std::uint32_t>();
    if (analysis_options.replicates < 200 || analysis_options.replicates > 100000) {
        throw_usage({.attempted = "analyze",
                     .where = "--replicates",
                     .found = std::to_string(analysis_options.replicates),
                     .expected = "200 to 100000"});
    }
    const std::string path = values["file"].as<std::string>();
    Analysis analysis;
    AnalysisInput input;
    {
        const AnalysisReader reader(path);  // closed before the tables are written
        input = reader.input();
        const std::string grouping = values.count("group-by") != 0 ? values["group-by"].as<std::string>() : kOwnGrouping;
        const Regrouped regrouped = group_by(input.items, grouping);
        const AnalysisInput& stored = reader.input();
        input.items = regrouped.items;
        if (grouping != kOwnGrouping) input.grouped_by = grouping;
        input.groups = regrouped.items.groups;
        analysis = analyse(
            input,
            [&](std::size_t point) {
                const std::vector<float> scores = reader.scores(point);
                check_stored_figures(stored, point, scores);
                return regrouped.reordered(scores);
            },
            analysis_options);
    }
    const std::vector<ResultTable> tables = result_tables(input, analysis);
    write_result_tables(path, tables);
    if (values.count("csv") != 0) write_csv_folder(values["csv"].as<std::string>(), tables);
    for (const std::string& warning : analysis.warnings) log_warning(warning);
    std::cout << terminal_text(input, analysis);
    return 0;
}

}  // namespace fairsweep
