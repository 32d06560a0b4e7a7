/// fairsweep scores: the figures of any matcher, from a table of its scores.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include "commands.hpp"
#include "data/score_csv.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "metrics/distance.hpp"
#include "report/score_direction.hpp"
#include "score_report_output.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

constexpr CommandHelp kHelp{
    "fairsweep scores SCORES.csv [--columns NAME=COLUMN,...] [--distance[=KIND]] [--json]",
    "The figures of `fairsweep evaluate` for any matcher. The table has a first line with the names of its columns: group, same "
    "(1 or 0) and score (a similarity), and optionally identity_a with identity_b, and fold (2 to 100 per group; without it ten "
    "folds, contiguous in file order). --columns says which columns these are where they are called otherwise. Other columns are "
    "ignored. Without identities intervals take pairs as independent. --distance says that scores are distances: cosine (1 - "
    "cos), "
    "squared (2 - 2 cos) or euclidean (its root), or any (no KIND).",
    "  fairsweep scores matcher.csv\n"
    "  fairsweep scores matcher.csv --columns group=race,same=label --json > figures.json\n"
    "  fairsweep scores deepface.csv --columns score=distance --distance=cosine"};

ColumnNames column_names(const po::variables_map& values) {
    ColumnNames names;
    if (values.count("columns") == 0) return names;
    for (const std::string& text : values["columns"].as<std::vector<std::string>>())
        for (auto& [ours, theirs] : parse_column_names(text)) names[ours] = theirs;
    return names;
}

/// --distance without a kind, spelt out: the parser would take the next word for its kind.
Arguments with_distance_kind(Arguments arguments) {
    std::ranges::replace(arguments, std::string("--distance"), std::string("--distance=guess"));
    return arguments;
}

/// What the scores are, for the report; they are similarities afterwards.
void make_similarities(const po::variables_map& values, std::vector<double>& scores, ScoreReportOptions& options) {
    if (values.count("distance") != 0) {
        const std::string word = values["distance"].as<std::string>();
        const std::optional<Distance> kind = distance_of(word);
        if (!kind)
            throw_usage({.attempted = "cannot use --distance",
                         .found = word,
                         .expected = "--distance, --distance=cosine, --distance=squared or --distance=euclidean"});
        DistanceRule rule = distances_to_similarities(scores, *kind);
        options.score_convention = std::move(rule.convention);
        if (!rule.warning.empty()) options.warnings.push_back(std::move(rule.warning));
    }
    if (const std::size_t clamped = clamp_cosines(scores))
        options.warnings.push_back(
            fmt::format("{} of {} scores were up to 1e-5 beyond [-1, 1], as rounding leaves cosines, and were put onto the limit",
                        clamped, scores.size()));
}

/// A cosine of 1 is that of an image with itself, unless there are enough of them to show that the matcher saturates.
void warn_of_equal_images(const ScoreList& list, ScoreReportOptions& options) {
    std::vector<std::uint8_t> is_one;
    for (const double score : list.scores) is_one.push_back(score == 1.0 ? 1 : 0);
    const auto ones = static_cast<std::size_t>(std::ranges::count(is_one, 1));
    const bool are_cosines = std::ranges::all_of(list.scores, [](double score) { return std::abs(score) <= 1.0; });
    if (ones == 0 || !are_cosines || 10 * ones > is_one.size()) return;
    options.warnings.push_back(
        fmt::format("{} of {} scores are 1: equal images, or an image paired with itself?", ones, is_one.size()));
}

}  // namespace

int scores_command(const Arguments& arguments) {
    po::options_description description("options");
    description.add_options()("scores", po::value<std::string>()->required(), "CSV file: commas, semicolons or TABs")(
        "columns", po::value<std::vector<std::string>>(), "NAME=COLUMN,...: what the file calls its columns; fold= ignores one")(
        "distance", po::value<std::string>(), "scores are distances; alone it guesses the kind: [=cosine|squared|euclidean]")(
        "allow-reversed", "take the scores as they are, though they look reversed (AUC below 0.5 in every group)")(
        "json", "print one JSON object");
    po::positional_options_description positional;
    positional.add("scores", 1);
    po::variables_map values;
    if (!parse_arguments(with_distance_kind(arguments), kHelp, description, positional, values)) return 0;
    const std::string file = values["scores"].as<std::string>();
    ScoreList list = parse_score_csv(read_text_file(file, 4ULL << 30), file, column_names(values));
    ScoreReportOptions options;
    options.identities_known = list.identities_known;
    options.folds = list.folds;
    options.warnings = list.warnings;
    make_similarities(values, list.scores, options);
    warn_of_equal_images(list, options);
    if (values.count("allow-reversed") == 0) refuse_reversed_scores(list.pairs, list.scores, file, values.count("distance") != 0);
    const ScoreReport report = score_report(list.pairs, list.scores, options);
    std::cout << (values.count("json") != 0 ? score_report_json(report) + "\n" : score_report_table(report));
    return 0;
}

}  // namespace fairsweep
