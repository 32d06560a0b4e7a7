#pragma once
/// The analysis file: what `merge` makes of stores and `analyze` adds its tables to. Compressed HDF5 for people and
/// notebooks; layout and a worked h5py example in docs/file_format.md. No HDF5 type shows here.
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "fairsweep/outcome.hpp"
#include "fairsweep/items.hpp"
#include "fairsweep/plan.hpp"
#include "plan/recipes.hpp"

namespace fairsweep {

/// persistent: part of every analysis file. 1: no seal at the end.
inline constexpr std::uint32_t kAnalysisVersion = 3;

/// A point with what its network's stage (baseline or compression) and the stages that measure it left behind.
struct AnalysisPoint {
    Point point;                             ///< stage indices in it are not kept: 0
    Digest network_id;                       ///< id of the stage whose checkpoint was evaluated
    Recipes recipes;                         ///< tell points with the same axes from two sweeps apart, and find the sham twin
    StageState state = StageState::waiting;  ///< of the point (see point_state.hpp)
    FailureClass failure = FailureClass::none;
    std::string message;
    std::uint32_t attempts = 0;  ///< of its stages together
    double wall_s = 0.0;         ///< of its stages together
    std::uint64_t peak_memory_bytes = 0;
    Metrics measured;                          ///< of all its stages; NaN where none has measured it
    std::string code_version;                  ///< of the program that ran the evaluation (or the network, where that is all)
    std::vector<std::vector<double>> figures;  ///< [groups][figures of the task]; empty unless done
};

/// What statistics starts from.
struct AnalysisInput {
    std::string task = "verification";
    std::vector<std::string> groups;
    std::vector<AxisInfo> axes = common_axes();
    std::vector<AnalysisPoint> points;  ///< grid order, sources one after another, deduplicated by id; any state
    std::vector<std::string> classes;   ///< of the items; empty where the task has none
    ItemTable items;
    std::string grouped_by;            ///< column that `groups` are of, where they are not the set's own; never stored
    std::vector<std::string> sources;  ///< store paths as given to merge
    std::string sweep_name;
    std::string code_version;            ///< of the program that merged
    std::vector<std::string> data_sets;  ///< "faces: recordio, 4800 images, <hash>", by name, those of every store
    std::string planted;                 ///< PlannedData::planted of the evaluation set; empty: not known
    std::string job_text;
    std::string created;  ///< UTC, ISO 8601
};

/// An analysis file opened for reading, after its seal held. Errors: store kind (missing, foreign, changed, other version).
class AnalysisReader {
public:
    explicit AnalysisReader(const std::filesystem::path& path);
    ~AnalysisReader();
    AnalysisReader(AnalysisReader&&) noexcept;
    AnalysisReader& operator=(AnalysisReader&&) noexcept;

    [[nodiscard]] const AnalysisInput& input() const;
    /// What the network said of every item in the order of input().items: one similarity, or a number per class; the point
    /// must be done. Read on demand.
    [[nodiscard]] std::vector<float> scores(std::size_t point_index) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// A column of a result table. All columns of a table have the same length. Undefined doubles are NaN.
struct ResultColumn {
    std::string name;
    std::string unit;  ///< "percent", "fraction", "s" ...; empty: none
    std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>> values;
};

/// Stored as /analysis/<name>/<column>, one dataset each, with `attributes` (conventions: ddof, threshold source, tie
/// rule ...) as string attributes of the group. Names: lower-case letters, digits, '_' (not empty); of a column also "recipe."
/// before them.
struct ResultTable {
    std::string name;
    std::vector<ResultColumn> columns;
    std::map<std::string, std::string> attributes;
};

/// Writes tables into an analysis file; one that is there under the same name is replaced, others stay. All or nothing:
/// the file is copied beside with the new tables, sealed anew, synced and renamed (one call for all tables is one copy).
void write_result_tables(const std::filesystem::path& path, std::span<const ResultTable> tables);
[[nodiscard]] std::vector<std::string> result_table_names(const std::filesystem::path& path);
/// Columns come back in the order in which they were written.
[[nodiscard]] ResultTable read_result_table(const std::filesystem::path& path, const std::string& name);

}  // namespace fairsweep
