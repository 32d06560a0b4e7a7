#pragma once
/// What coordinator and workers say to each other, as values and as bytes. Bytes are a fixed header (magic, version, kind,
/// payload size, CRC-32C over header and payload) and a bounded payload of plain fields in the machine's byte order: all
/// ranks run the same program. A stranger's or a damaged message is an Error, never a wrong value.
///
///   worker -> coordinator   Join   Beat   Finished (until acknowledged the worker keeps the result)   Leaving
///   coordinator -> worker   Welcome   Lease (the stage's order)   Revoke   Acknowledge   Alive   Drain   Dismiss
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "fairsweep/ids.hpp"
#include "fairsweep/outcome.hpp"
#include "fairsweep/plan.hpp"
#include "fairsweep/stage_order.hpp"

namespace fairsweep {

using Bytes = std::vector<std::byte>;

// A stage is named by the coordinator's number for it and the attempt; the worker repeats both and reads nothing into them.

/// "I am here": first message of a worker.
struct JoinMessage {
    std::uint32_t pid = 0;
    std::string host;
};
/// Every second or so. `progress` counts the steps of the running stage: a changed number proves that it moves.
struct BeatMessage {
    bool busy = false;
    StageIndex stage = 0;
    Attempt attempt{};
    double fraction = 0.0;
    std::uint64_t progress = 0;
};
struct FinishedMessage {
    StageIndex stage = 0;
    Attempt attempt{};
    double finished_unix_s = 0.0;
    StageOutcome outcome;
    bool leads = true;  ///< this worker is the first of the stage's team
    bool begun = true;  ///< false: it took the lease and never ran the stage
};
/// The worker was told by a signal to go; it holds nothing any more.
struct LeavingMessage {};
/// What holds for every stage of the run. Its size does not depend on the plan.
struct WelcomeMessage {
    std::string artefact_folder;
    bool needs_gpu = false;  ///< some stage is trained on one
};
struct LeaseMessage {
    StageIndex stage = 0;
    Attempt attempt{};
    StageOrder order;
    std::uint64_t lease = 0;             ///< its number in this run
    std::vector<std::uint32_t> ranks{};  ///< of the run, that run the stage together; the first leads
};
struct RevokeMessage {
    StageIndex stage = 0;
    Attempt attempt{};
    bool at_step = false;  ///< ends at its next step, as its team agrees; otherwise the team ends here
};
/// The result is durable, or not wanted: forget it.
struct AcknowledgeMessage {
    StageIndex stage = 0;
    Attempt attempt{};
};
struct AliveMessage {};
struct DrainMessage {};
/// Leave. `finish_mpi`: all ranks are well, and all of them finish MPI; otherwise nobody may (it would wait for the dead).
struct DismissMessage {
    bool finish_mpi = false;
};

using Message = std::variant<JoinMessage, BeatMessage, FinishedMessage, LeavingMessage, WelcomeMessage, LeaseMessage,
                             RevokeMessage, AcknowledgeMessage, AliveMessage, DrainMessage, DismissMessage>;

inline constexpr std::size_t kMessageHeaderBytes = 24;
inline constexpr std::size_t kMaxMessageBytes = std::size_t{80} << 20;   ///< largest: a result with all its scores
inline constexpr std::size_t kMaxOrderItems = 4096;                      ///< needs, data sets, groups
inline constexpr std::size_t kMaxOrderTextBytes = std::size_t{1} << 20;  ///< each text of an order
inline constexpr std::size_t kMaxOutcomeGroups = 4096;
inline constexpr std::size_t kMaxOutcomeFigures = 1024;                  ///< of a group: four and two of each of 256 classes
inline constexpr std::size_t kMaxOutcomeScores = std::size_t{16} << 20;  ///< 64 MiB of similarities

/// Throws an infrastructure error when a value is beyond its bound; texts of outcomes are cut to kMessageBytes instead.
[[nodiscard]] Bytes encode(const Message& message);
/// Throws an infrastructure error for anything that encode() does not write.
[[nodiscard]] Message decode(std::span<const std::byte> bytes);

}  // namespace fairsweep
