#pragma once
/// Small plans, pairs and rows whose every value is known, for the tests of this room.
#include <fstream>
#include <string>
#include <vector>

#include "fairsweep/hash.hpp"
#include "fairsweep/outcome.hpp"
#include "fairsweep/items.hpp"
#include "fairsweep/plan.hpp"
#include "fairsweep/verification.hpp"
#include "plan/tasks.hpp"
#include "store/row_record.hpp"
#include "store/store.hpp"

namespace fairsweep::testing {

/// Of rows with so many groups.
inline RowShape shape(std::uint32_t groups) {
    static const std::vector<FigureColumn> figures = task_info("verification").figures({});
    return {groups, figures};
}

/// `points` points over one baseline: stage 0 prepare, 1 baseline, 2 teacher, then compression and evaluation by turns;
/// point 0 is the dense arm and has an evaluation alone. Seeds from `first_seed` on make the ids.
inline Plan make_plan(std::size_t points, std::uint64_t first_seed = 1, std::vector<std::string> groups = {"A", "B"}) {
    Plan plan;
    plan.sweep_name = "test";
    plan.task = "verification";
    plan.groups = std::move(groups);
    plan.code_version = "0.1.0 (commit test)";
    plan.job_text = "[sweep]\nname = test\n";
    plan.axes[index_of(Axis::bits)].values = 2;
    plan.data["faces"] = {{"faces", "recordio", "data/train", {}}, sha256("faces"), true, 12};
    const auto add = [&plan](StageKind kind, const std::string& text, std::vector<StageIndex> needs) {
        Stage stage;
        stage.id = sha256(text);
        stage.kind = kind;
        stage.parameters = R"({"kind":"test"})";
        stage.needs = std::move(needs);
        stage.cost_s = 1.5;
        plan.stages.push_back(stage);
        return static_cast<StageIndex>(plan.stages.size() - 1);
    };
    const StageIndex prepare = add(StageKind::prepare, "prepare", {});
    const StageIndex baseline = add(StageKind::baseline, "baseline", {});
    const StageIndex teacher = add(StageKind::teacher, "teacher", {baseline});
    for (std::size_t i = 0; i < points; ++i) {
        const std::uint64_t seed = first_seed + i;
        StageIndex network = baseline;
        if (i > 0) network = add(StageKind::compression, "compression " + std::to_string(seed), {baseline, teacher});
        const std::string name = i > 0 ? "evaluation " + std::to_string(seed) : "evaluation dense";
        const StageIndex evaluation = add(StageKind::evaluation, name, {network, prepare});
        Point point;
        point.id = plan.stages[evaluation].id;
        point.arm = i > 0 ? Arm::compressed : Arm::dense;
        point.axes[Axis::architecture] = "iresnet10-w16-56";
        point.axes[Axis::training_set] = "faces";
        point.axes[Axis::bits] = i > 0 ? Bits{4, 8} : Bits{};
        if (i > 0) point.axes[Axis::calibration] = "real";
        point.axes[Axis::sparsity] = i > 0 ? 0.5 : 0.0;
        point.axes[Axis::distillation] = "embedding";
        point.seed = seed;
        point.network_stage = network;
        point.evaluation_stage = evaluation;
        plan.points.push_back(point);
    }
    return plan;
}

inline ItemTable make_pairs(std::uint32_t per_group = 10, std::vector<std::string> groups = {"A", "B"}) {
    ItemTable pairs;
    pairs.groups = std::move(groups);
    pairs.group_begin = {0};
    for (std::uint32_t group = 0; group < pairs.groups.size(); ++group) {
        for (std::uint32_t i = 0; i < per_group; ++i) {
            pairs.label.push_back(i % 2 == 0 ? 1 : 0);
            pairs.identity_a.push_back(group * 100 + i);
            pairs.identity_b.push_back(group * 100 + i + (i % 2));
        }
        pairs.group_begin.push_back(pairs.size());
    }
    return pairs;
}

/// A done row with a value of its own in every field, made from the stage and `salt`.
inline Row make_row(const Stage& stage, std::uint32_t salt, std::size_t groups = 2) {
    Row row;
    row.stage_id = stage.id;
    row.kind = stage.kind;
    row.attempt = 1 + salt % 3;
    row.worker = static_cast<std::int32_t>(salt % 7);
    row.finished_unix_s = 1.7e9 + salt + 0.25;
    row.host = "node" + std::to_string(salt);
    row.outcome.state = StageState::done;
    row.outcome.message = "salt " + std::to_string(salt) + " \xC3\xA4";
    row.outcome.wall_s = salt + 0.5;
    row.outcome.cpu_s = salt + 0.125;
    row.outcome.peak_memory_bytes = (1ULL << 40) + salt;
    row.outcome.artefact = sha256("artefact " + std::to_string(salt));
    row.outcome.artefact_bytes = 1000 + salt;
    row.outcome.measured[Metric::loss_first] = 2.0 + salt;
    row.outcome.measured[Metric::loss_last] = 1.0 / (1 + salt);
    row.outcome.measured[Metric::sparsity_measured] = 0.5;
    row.outcome.measured[Metric::teacher_cosine] = 0.999;
    row.outcome.measured[Metric::pooled_threshold] = 0.3125;
    if (stage.kind == StageKind::evaluation) {
        for (std::uint32_t g = 0; g < groups; ++g) {
            row.outcome.groups.push_back(
                columns_of({5 + g, 5, 9, 90.0 + g + salt * 0.001, 91.0, 0.01 * (g + 1), 0.02, 0.03, 0.99}));
        }
    }
    return row;
}

inline std::vector<float> make_scores(std::uint32_t salt, std::uint32_t pairs) {
    std::vector<float> scores(pairs);
    for (std::uint32_t i = 0; i < pairs; ++i) scores[i] = static_cast<float>(salt) * 0.5f + static_cast<float>(i) / 1024.0f;
    return scores;
}

inline bool same_row(const Row& a, const Row& b) {
    const StageOutcome& x = a.outcome;
    const StageOutcome& y = b.outcome;
    return a.stage_id == b.stage_id && a.kind == b.kind && a.attempt == b.attempt && a.worker == b.worker &&
           a.finished_unix_s == b.finished_unix_s && a.host == b.host && x.state == y.state && x.failure == y.failure &&
           x.message == y.message && x.wall_s == y.wall_s && x.cpu_s == y.cpu_s && x.peak_memory_bytes == y.peak_memory_bytes &&
           x.artefact == y.artefact && x.artefact_bytes == y.artefact_bytes && x.measured == y.measured && x.groups == y.groups;
}

/// Row and scores of every stage of the plan, by position; made from the position.
inline void append_stage(Store& store, const Plan& plan, const ItemTable& pairs, std::size_t stage) {
    const auto salt = static_cast<std::uint32_t>(stage);
    const bool evaluation = plan.stages[stage].kind == StageKind::evaluation;
    store.append(make_row(plan.stages[stage], salt), evaluation ? make_scores(salt, pairs.size()) : std::vector<float>{});
}

inline std::string read_bytes(const std::filesystem::path& path) {
    std::string bytes(std::filesystem::file_size(path), '\0');
    std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace fairsweep::testing
