/// fairsweep scores: the figures of any matcher, from a table of its scores.
#include <fmt/format.h>

#include <iostream>

#include "commands.hpp"
#include "data/score_csv.hpp"
#include "fairsweep/files.hpp"
#include "score_report_output.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

constexpr CommandHelp kHelp{
    "fairsweep scores SCORES.csv [--json]",
    "The figures of `fairsweep evaluate` for any matcher. The table has a first line with the names of its columns: group, same "
    "(1 or 0) and score (a similarity), and optionally identity_a with identity_b, and fold (ten per group; without it folds "
    "are contiguous in file order). Other columns are ignored. Without identities intervals take pairs as independent.",
    "  fairsweep scores matcher.csv\n"
    "  fairsweep scores matcher.csv --json > figures.json"};

}  // namespace

int scores_command(const Arguments& arguments) {
    po::options_description description("options");
    description.add_options()("scores", po::value<std::string>()->required(), "CSV file")("json", "print one JSON object");
    po::positional_options_description positional;
    positional.add("scores", 1);
    po::variables_map values;
    if (!parse_arguments(arguments, kHelp, description, positional, values)) return 0;
    const std::string file = values["scores"].as<std::string>();
    const ScoreList list = parse_score_csv(read_text_file(file, 4ULL << 30), file);
    ScoreReportOptions options;
    options.identities_known = list.identities_known;
    options.folds = list.folds;
    ScoreReport report = score_report(list.pairs, list.scores, options);
    if (list.contradictions != 0)
        report.warnings.push_back(
            fmt::format("{} pairs are the same by `same` but not by their identities, or the other way "
                        "round: `same` was taken",
                        list.contradictions));
    std::cout << (values.count("json") != 0 ? score_report_json(report) + "\n" : score_report_table(report));
    return 0;
}

}  // namespace fairsweep
