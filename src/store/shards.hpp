#pragma once
/// Pair scores of evaluation stages: "<store>.files/scores-0000.h5" and so on, laid out by layout.hpp, written in place.
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/files.hpp"
#include "store/layout.hpp"

namespace fairsweep {

[[nodiscard]] std::filesystem::path shard_path(const std::filesystem::path& artefact_folder, std::uint32_t shard);
[[nodiscard]] std::uint32_t crc_of_scores(std::span<const float> scores);

/// Makes shard files [first, contents.shard_rows.size()), each complete when it appears; removes them all again on failure.
void make_shards(const std::filesystem::path& artefact_folder, const StoreContents& contents, std::uint32_t first);

/// Shard files of one store, opened when first used. `contents` must outlive it.
class ScoreShards {
public:
    ScoreShards(std::filesystem::path artefact_folder, const StoreContents& contents)
        : folder_(std::move(artefact_folder)), contents_(&contents) {}
    ScoreShards(ScoreShards&&) noexcept = default;
    ScoreShards& operator=(ScoreShards&&) noexcept = default;

    /// Puts a blank shard in the place of each that is missing or unreadable (kept as *.damaged); says so in `warnings`.
    void mend(std::vector<std::string>& warnings);
    /// Scores have contents.responses() values. Not durable before sync().
    void write(ScoreSlot slot, std::span<const float> scores);
    void sync();
    [[nodiscard]] std::vector<float> read(ScoreSlot slot) const;

private:
    struct Open {
        File file;
        std::uint64_t offset = 0;
        bool writable = false;
        bool dirty = false;
    };
    Open& open(std::int32_t shard, bool writable) const;
    [[nodiscard]] std::uint64_t position(const Open& shard, ScoreSlot slot) const;
    std::filesystem::path folder_;
    const StoreContents* contents_;
    mutable std::vector<std::optional<Open>> open_;
};

}  // namespace fairsweep
