#pragma once
/// The plan: a DAG of content-addressed stages that serves all points. Rank 0 alone holds it; a worker sees of it one
/// StageOrder at a time (fairsweep/stage_order.hpp).
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fairsweep/hash.hpp"
#include "fairsweep/shared_text.hpp"
#include "fairsweep/stage_kind.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

using StageIndex = std::uint32_t;  ///< position in Plan::stages
using PointIndex = std::uint32_t;  ///< position in Plan::points

struct Stage {
    Digest id;  ///< SHA-256 of kind, parameters and the ids of `needs`
    StageKind kind{};
    PartedText parameters;              ///< canonical JSON (sorted keys, exact numbers): everything that decides the result
    std::vector<StageIndex> needs;      ///< smaller indices: the list is in topological order
    std::vector<SharedText> data_sets;  ///< names in Plan::data whose paths it reads; operational, outside the id
    double cost_s = 0.0;                ///< estimate on one core
    SharedText program{};               ///< external: name in Plan::programs; operational, outside the id
};

struct Point {
    Digest id;  ///< the id of its evaluation stage
    Arm arm{};
    AxisValues axes;  ///< [Plan::axes]
    std::uint64_t seed = 0;
    StageIndex network_stage = 0;  ///< the stage whose checkpoint is evaluated (baseline or compression)
    StageIndex evaluation_stage = 0;
    std::vector<StageIndex> measurements;  ///< further stages that measure it: latency
};
/// Its evaluation, then its further measurements.
[[nodiscard]] std::vector<StageIndex> measuring_stages(const Point& point);

/// A data set as the plan knows it.
struct PlannedData {
    DataSource source;
    Digest id;  ///< hash of every byte that is read of it; zero while the data are missing
    bool present = false;
    std::uint64_t images = 0;  ///< for estimates: counted, or assumed while the data are missing
    std::string planted{};     ///< of drawn faces: the difficulty planted in each group, as JSON; empty for all other data
};

struct RemovedPoints {
    std::string rule;
    std::uint64_t points = 0;
};

struct Plan {
    std::string sweep_name;
    std::string task;
    std::vector<std::string> groups;   ///< demographic groups of the evaluation set, in its order
    std::vector<std::string> classes;  ///< of the evaluation set, by name; empty where the task has none
    std::vector<Stage> stages;         ///< topological order, stable for a given sweep
    std::vector<Point> points;         ///< grid order
    std::map<std::string, PlannedData> data;
    RunSettings run;
    std::map<std::string, ProgramSettings> programs;  ///< by name, of [program.NAME]
    std::vector<AxisInfo> axes = common_axes();
    std::uint64_t seeds = 0;  ///< how many different ones
    std::vector<RemovedPoints> removed;
    std::uint64_t stages_shared = 0;  ///< stages that more than one point needs
    bool provisional = false;         ///< some data are missing: ids are made from names
    std::string job_text;             ///< the job file after --set
    std::string code_version;         ///< version and commit that planned it
};

/// The plan as one JSON text and back (the store keeps it). `plan_from_json` throws a store error on anything unexpected.
[[nodiscard]] std::string plan_to_json(const Plan& plan);
[[nodiscard]] Plan plan_from_json(const std::string& text);

}  // namespace fairsweep
