// Embeddings and score tables become one similarity per pair of the evaluation set.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <unordered_map>

#include "data/row_index.hpp"
#include "data/score_csv.hpp"
#include "external/external.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "metrics/cosine.hpp"
#include "store/embedding_file.hpp"
#include "study/items.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<VerificationSet> evaluation_set(const StageContext& context) {
    if (!context.order.data.empty())
        return open_verification_set(context.order.data.back());  // the last that the planner put there
    throw_store({.attempted = "cannot judge what a program left",
                 .where = "stage " + context.order.id.short_hex(),
                 .found = "no data set in its order",
                 .expected = "the evaluation set"});
}

StageOutcome keep(const StageContext& context, const std::vector<double>& similarities) {
    std::vector<float> scores;
    for (const double similarity : similarities) scores.push_back(static_cast<float>(similarity));
    if (!std::ranges::all_of(scores, [](float score) { return std::isfinite(score); }))
        return diverged_outcome("the program left scores that are no finite float32 numbers");
    SafetensorsPlan plan{.tensors = {{.name = kScoresKind, .dtype = "F32", .shape = {scores.size()}}},
                         .metadata = context.metadata(kScoresKind)};
    plan.metadata["evaluation_data"] = context.parameters.evaluation_data.hex();
    SafetensorsWriter writer(context.own_artefact(), std::move(plan));
    writer.append(std::as_bytes(std::span(scores)));
    return done_outcome(writer.finish());
}

/// Rows of an embedding file for the pairs of the evaluation set.
struct Rows {
    std::vector<std::uint32_t> a, b;
};

Rows rows_of(const VerificationSet& set, const EmbeddingTable& table, const fs::path& file) {
    const RowIndex index(table.paths);
    Rows rows;
    for (const VerificationGroup& group : set.groups()) {
        std::vector<std::uint32_t> row_of(group.image_paths.size());
        for (std::size_t i = 0; i < row_of.size(); ++i) {
            std::string why;
            const auto row = index.find(group.name, group.image_paths[i], why);
            if (!row)
                throw_data({.attempted = "an image of the evaluation set has no embedding",
                            .where = file.string(),
                            .found = why,
                            .expected = "one row of /paths that ends as the image's path does"});
            row_of[i] = *row;
        }
        for (const VerificationPair& pair : group.pairs) {
            rows.a.push_back(row_of[pair.image_a]);
            rows.b.push_back(row_of[pair.image_b]);
        }
    }
    return rows;
}

/// Why a row that a pair takes has no direction; empty where all have one.
std::string fault_of(const EmbeddingTable& table, const Rows& rows) {
    for (const auto& side : {std::span(rows.a), std::span(rows.b)})
        for (const std::uint32_t row : side)
            if (const char* fault = row_fault(std::span(table.embeddings).subspan(row * table.dimensions, table.dimensions)))
                return fmt::format("{} in the embedding of {}", fault, table.paths[row].substr(0, 120));
    return {};
}

[[noreturn]] void refuse_table(const fs::path& file, std::uint64_t line, const std::string& found, const std::string& expected) {
    throw_data({.attempted = "these are not the scores of the evaluation set's pairs",
                .where = file.string() + (line == 0 ? "" : fmt::format(", line {}", line)),
                .found = found,
                .expected = expected,
                .hint = "one line per pair, groups by their names, pairs in the order of the group's pair list"});
}

/// Where the group's pairs begin in the table.
std::uint32_t begin_of_group(const ItemTable& set, std::size_t group, const ScoreList& list, const fs::path& file) {
    const std::vector<std::string>& names = list.pairs.groups;
    const auto found = std::find(names.begin(), names.end(), set.groups[group]);
    const std::uint32_t pairs = set.group_begin[group + 1] - set.group_begin[group];
    if (found == names.end())
        refuse_table(file, 0, fmt::format("groups {}", fmt::join(names, ", ")), "also group " + set.groups[group]);
    const auto place = static_cast<std::size_t>(found - names.begin());
    const std::uint32_t count = list.pairs.group_begin[place + 1] - list.pairs.group_begin[place];
    if (count != pairs)
        refuse_table(file, 0, fmt::format("{} pairs of group {}", count, set.groups[group]), fmt::format("{}", pairs));
    return list.pairs.group_begin[place];
}

/// Scores in the order of the evaluation set's pairs.
std::vector<double> scores_of(const ItemTable& set, const ScoreList& list, const fs::path& file) {
    if (list.pairs.groups.size() > set.groups.size())
        refuse_table(file, 0, fmt::format("groups {}", fmt::join(list.pairs.groups, ", ")),
                     fmt::format("{}", fmt::join(set.groups, ", ")));
    std::vector<double> scores;
    std::unordered_map<std::uint32_t, std::uint32_t> person_of;  // of the table's numbers
    for (std::size_t group = 0; group < set.groups.size(); ++group) {
        std::uint32_t at = begin_of_group(set, group, list, file);
        for (std::uint32_t pair = set.group_begin[group]; pair < set.group_begin[group + 1]; ++pair, ++at) {
            const auto words = [](std::uint8_t label) { return label == 1 ? "the same person" : "different people"; };
            if (list.pairs.label[at] != set.label[pair])
                refuse_table(file, list.lines[at], words(list.pairs.label[at]), words(set.label[pair]));
            const auto is_person = [&](std::uint32_t own, std::uint32_t person) {
                return person_of.try_emplace(own, person).first->second == person;
            };
            if (list.identities_known && !(is_person(list.pairs.identity_a[at], set.identity_a[pair]) &&
                                           is_person(list.pairs.identity_b[at], set.identity_b[pair])))
                refuse_table(file, list.lines[at], "a person who was another one in a line before",
                             "the people of the pair list");
            if (std::abs(list.scores[at]) > 1.0)
                refuse_table(file, list.lines[at], fmt::format("score {}", list.scores[at]),
                             "similarities from -1 to 1, as cosines are: the thresholds of the ten-fold protocol lie there");
            scores.push_back(list.scores[at]);
        }
    }
    return scores;
}

}  // namespace

StageOutcome keep_embeddings(const StageContext& context, const fs::path& result) {
    const std::unique_ptr<VerificationSet> set = evaluation_set(context);
    const EmbeddingTable table = read_embedding_file(result);
    const Rows rows = rows_of(*set, table, result);
    const std::string fault = fault_of(table, rows);
    if (!fault.empty()) return diverged_outcome("the program left embeddings without direction: " + fault);
    return keep(context, cosines(table.embeddings, table.dimensions, rows.a, rows.b));
}

StageOutcome keep_scores(const StageContext& context, const fs::path& result) {
    const std::unique_ptr<VerificationSet> set = evaluation_set(context);
    try {
        // The folds are the evaluation's: a column of that name has no say.
        const ScoreList list = parse_score_csv(read_text_file(result, 4ULL << 30), result, {{"fold", ""}});
        return keep(context, scores_of(item_table_of(*set), list, result));
    } catch (const NonFiniteScore& error) {
        return diverged_outcome(error.what());
    }
}

}  // namespace fairsweep
