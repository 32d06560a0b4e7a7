#pragma once
/// The store of a sweep: `sweep.h5` (plan, items, one preallocated row per stage), `sweep.h5.journal` (what makes a row
/// durable), `sweep.h5.files/` (artefacts and score shards), `sweep.h5.lock` (who owns it). Bytes: docs/file_format.md.
///
/// One owner writes (the coordinator), any number of readers look at any moment. HDF5 metadata never change while an owner
/// is at work: rows and scores are written in place into preallocated space, so a kill at any time damages nothing.
/// Use from one thread only: HDF5 is not thread-safe here.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/attempt_history.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/outcome.hpp"
#include "fairsweep/items.hpp"
#include "fairsweep/plan.hpp"

namespace fairsweep {

/// Raised with every change of bytes that an older reader would misread. persistent: part of every file.
inline constexpr std::uint32_t kStoreVersion = 2;

/// Files beside the store.
[[nodiscard]] std::filesystem::path journal_path(const std::filesystem::path& store);
[[nodiscard]] std::filesystem::path lock_path(const std::filesystem::path& store);
[[nodiscard]] std::filesystem::path live_path(const std::filesystem::path& store);           ///< "<store>.live.json"
[[nodiscard]] std::filesystem::path artefact_folder_of(const std::filesystem::path& store);  ///< "<store>.files"

enum class StoreOwner {
    none,
    at_work,  ///< a process has the store open for update
    unknown,  ///< the lock cannot be asked: a file system without locks, or no right to read it
};
/// Never blocks and never disturbs the owner. The lock file was last written when its last owner took it.
[[nodiscard]] StoreOwner store_owner(const std::filesystem::path& store);

/// The owner's side. Errors: infrastructure for a second owner, a full disk or a read-only folder; store for a damaged
/// store, another version, a foreign file, or a plan over other groups, classes or items than the store's.
class Store {
public:
    /// Takes the lock, then creates the store or opens it: checks its version, replays the journal (a torn tail is cut and
    /// reported in warnings()), and when `plan` has stages or points that the store lacks, lays the file out anew beside with
    /// all old rows and renames it. Nothing is left half-made when this throws.
    /// A row whose scores are missing or damaged is taken back (reported in warnings()), so that its stage runs again.
    [[nodiscard]] static Store open_for_update(const std::filesystem::path& path, const Plan& plan, const ItemTable& items);
    /// The same for a store that was laid out before; its items stay as they are. Throws a store error when it is gone.
    [[nodiscard]] static Store open_existing(const std::filesystem::path& path, const Plan& plan);
    ~Store();  ///< releases the lock; appended rows that were not synced are dropped
    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;

    /// Everything the store holds: the given plan and the points and stages of earlier ones, in topological order.
    [[nodiscard]] const Plan& plan() const;
    [[nodiscard]] const std::vector<std::string>& warnings() const;  ///< what opening found and mended, for the log

    /// Committed rows (durable at opening, or synced since) in the order of plan().stages; `scores` are empty.
    [[nodiscard]] std::vector<Row> rows() const;
    [[nodiscard]] std::optional<Row> row(const Digest& stage_id) const;

    /// Attempts of the stage that came to no end, committed rows only. Empty for a stage that is not in plan().
    [[nodiscard]] AttemptHistory history(const Digest& stage_id) const;

    /// Takes a row in; it is durable and visible to rows() only after sync(). Scores (what the network says of every item, in the
    /// order of the item table: one number, or one per class; empty for stages without) are written to their shard at once. A row
    /// for a stage that has one replaces it, but a committed row with scores stays as it is: a second result for it is dropped
    /// and false returned. The stage must be in plan(), its state final or preempted, `scores` empty or as many as the items
    /// have.
    bool append(const Row& row, std::span<const float> scores);
    /// Group commit: scores to disk, then journal records to disk, then the rows into the HDF5 file (unsynced: the
    /// journal can rebuild them). After a throw (full disk) nothing of this batch counts and the store may be opened again.
    void sync();
    [[nodiscard]] std::size_t rows_pending() const;  ///< appended, not yet synced

    [[nodiscard]] const std::filesystem::path& path() const;
    [[nodiscard]] const std::filesystem::path& artefact_folder() const;  ///< exists and is writable

    void close();  ///< syncs what is pending and the HDF5 file, and releases the lock

private:
    struct Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    [[nodiscard]] static std::unique_ptr<Impl> take(const std::filesystem::path& path, const Plan& plan);
    std::unique_ptr<Impl> impl_;
};

/// A snapshot of a store at the moment of opening; opens finished, interrupted and live stores alike, writes nothing.
/// Errors: store kind for a missing, foreign, truncated or other-version file.
class StoreReader {
public:
    explicit StoreReader(const std::filesystem::path& path);
    ~StoreReader();
    StoreReader(StoreReader&&) noexcept;
    StoreReader& operator=(StoreReader&&) noexcept;

    [[nodiscard]] const Plan& plan() const;
    [[nodiscard]] const ItemTable& items() const;
    /// Rows whose checksum holds, from HDF5 and journal together (the newer one of each stage), in the order of plan().stages.
    [[nodiscard]] const std::vector<Row>& rows() const;
    [[nodiscard]] const Row* row(const Digest& stage_id) const;  ///< nullptr: none yet
    /// Version and commit of the program that committed the row of this stage; "" without a row.
    [[nodiscard]] std::string code_version(const Digest& stage_id) const;
    /// Scores of a done evaluation stage, checked against the row's CRC. Throws a store error when the
    /// stage has none or they are damaged.
    [[nodiscard]] std::vector<float> scores(const Digest& stage_id) const;
    [[nodiscard]] const std::vector<std::string>& warnings() const;  ///< torn tail, rows that only the journal has ...

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace fairsweep
