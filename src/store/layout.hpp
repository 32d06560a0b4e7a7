#pragma once
/// How a store's HDF5 files are laid out: the main file with plan, items and rows, and the shards with the responses. Laying
/// out yields the bytes of a whole file; afterwards only bytes inside preallocated datasets change.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "fairsweep/items.hpp"
#include "fairsweep/plan.hpp"
#include "store/h5.hpp"
#include "store/journal.hpp"
#include "store/known_files.hpp"
#include "store/row_record.hpp"

namespace fairsweep {

/// Where the scores of a stage lie; shard < 0: it has none.
struct ScoreSlot {
    std::int32_t shard = -1;
    std::uint32_t row = 0;
};

/// Everything of the main file but the rows.
struct StoreContents {
    StoreId id{};
    Plan plan;
    std::vector<FigureColumn> figures;  ///< of the plan's task and classes: set_figures()
    ItemTable items;
    std::vector<ScoreSlot> score_slots;     ///< [stages]
    std::vector<std::uint32_t> shard_rows;  ///< [shards] rows of each
    [[nodiscard]] RowShape row_shape() const { return {static_cast<std::uint32_t>(plan.groups.size()), figures}; }
    /// Numbers that an evaluation leaves for all items together.
    [[nodiscard]] std::size_t responses() const { return items.size() * values_per_item(task_info(plan.task), plan.classes); }
    void set_figures() { figures = task_info(plan.task).figures(plan.classes); }
};

/// The most bytes of scores that a shard holds (one row at least).
inline constexpr std::uint64_t kShardBytes = 64ULL << 20;

/// Gives every evaluation stage from position score_slots.size() on a slot in new shards, in plan order; slots given
/// earlier stay. Sets shard_rows.
void assign_score_slots(StoreContents& contents);

/// Bytes of the main file; `rows` [stages] are row bytes, empty where there is none.
[[nodiscard]] std::vector<std::byte> lay_out_store(const StoreContents& contents, std::span<const std::vector<std::byte>> rows);
/// Checks version and every part. Throws a store error.
[[nodiscard]] StoreContents read_store_contents(const h5::Reader& file);
/// Offset of row 0 in the file; row i follows at i * row_bytes(row_shape).
[[nodiscard]] std::uint64_t rows_offset(const h5::Reader& file, const StoreContents& contents);

/// Bytes of a shard, every score NaN.
[[nodiscard]] std::vector<std::byte> lay_out_shard(const StoreContents& contents, std::uint32_t shard);
/// Offset of row 0 of a shard's scores; row i follows at i * responses() * 4. Throws a store error when it is another store's.
[[nodiscard]] std::uint64_t shard_offset(const h5::Reader& file, const StoreContents& contents, std::uint32_t shard);

/// Columns of an item table below /<items of the task>, as store and analysis file both have them.
void put_items(h5::Writer& file, const TaskInfo& task, const ItemTable& items);
[[nodiscard]] ItemTable get_items(const h5::Reader& file, const TaskInfo& task);

}  // namespace fairsweep
