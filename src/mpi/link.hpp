#pragma once
/// A way to hand messages between ranks that never blocks. Order is kept between two ranks. Bytes are opaque here.
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace fairsweep {

/// Shared, since a message to all ranks is kept once until the last of them has it.
using SharedBytes = std::shared_ptr<const std::vector<std::byte>>;

struct Incoming {
    int from = 0;
    std::vector<std::byte> bytes;
};

class Link {
public:
    virtual ~Link() = default;
    [[nodiscard]] virtual int rank() const = 0;
    [[nodiscard]] virtual int size() const = 0;  ///< ranks
    /// Local. Starts a send and returns at once. A message to a dead rank goes nowhere, silently.
    virtual void send(int to, SharedBytes message) = 0;
    /// Local. Moves things on; the next message that has arrived whole, if any.
    [[nodiscard]] virtual std::optional<Incoming> poll() = 0;
    /// Messages that are not on their way yet; to a dead rank they may stay for ever.
    [[nodiscard]] virtual std::size_t sends_pending() const = 0;
};

}  // namespace fairsweep
