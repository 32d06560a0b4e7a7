#pragma once
/// What the ranks of a team do together. One interface for a team of one (single), CPU teams (mpi) and GPU teams (nccl).
///
/// Every rank calls the same operations in the same order with the same counts and types. Nothing here blocks: an operation is
/// begun, and poll() says how far it is. One thread owns the object; only abort() may come from another. A collective that has
/// failed stays failed: the team ends, and its stage goes on under a new lease with a new collective.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "fairsweep/enumeration.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {

enum class Scalar : std::uint8_t { f32, f64, f16, bf16, i64 };
template <>
struct Words<Scalar> {
    static constexpr std::array kWords{"f32", "f64", "f16", "bf16", "i64"};
};
[[nodiscard]] std::size_t bytes_of(Scalar type);

enum class Reduction : std::uint8_t { sum, min, max };
template <>
struct Words<Reduction> {
    static constexpr std::array kWords{"sum", "min", "max"};
};

/// Elements in the memory of the process or of its device. Not owned: the memory must stay, unread and unwritten, until the
/// operation is no longer running, or until the collective is destroyed where it was aborted.
struct Buffer {
    void* data = nullptr;
    std::size_t count = 0;  ///< elements; 0 is allowed, and takes part
    Scalar type = Scalar::f32;
    bool on_device = false;
};

/// An operation under way, by its number: the first of a collective is 0.
struct Ticket {
    std::uint64_t number = 0;
};

struct OperationStatus {
    enum class State { running, done, failed };
    State state = State::running;
    std::string why{};  ///< failed: the reason, with the rank that it is about where that is known
};

class Collective {
public:
    virtual ~Collective() = default;
    [[nodiscard]] virtual int rank() const = 0;  ///< 0 ... size() - 1
    [[nodiscard]] virtual int size() const = 0;

    /// In place; the same bits on every rank. A sum is the balanced binary tree over ranks: (r0 + r1) + (r2 + r3); of a number
    /// of ranks that is no power of two, the left part is the largest power of two below it. f16 and bf16 are added as f32 and
    /// rounded to nearest even after every addition. min and max: NaN where any rank has one; -0 is below +0.
    [[nodiscard]] virtual Ticket all_reduce(Buffer buffer, Reduction reduction) = 0;
    /// `all` has size() times the count of `part`: the parts of all ranks in the order of their ranks. `part` may be its own
    /// place in `all`.
    [[nodiscard]] virtual Ticket all_gather(Buffer part, Buffer all) = 0;
    [[nodiscard]] virtual Ticket broadcast(Buffer buffer, int root) = 0;
    [[nodiscard]] virtual Ticket barrier() = 0;

    /// How far the operation is. Operations may be polled in any order, and again after they are done.
    [[nodiscard]] virtual OperationStatus poll(Ticket ticket) = 0;

    /// Why the collective has ended here; empty while it lives. Any thread.
    [[nodiscard]] virtual std::string ended() const = 0;

    /// Ends the collective here: every operation that is not done fails, now and later, with this reason. The first reason
    /// stays. Any thread. The other ranks learn of it by their own deadlines.
    virtual void abort(const std::string& why) = 0;
};

/// The team came apart: an infrastructure error, whose cause may lie with another rank.
class TeamError : public Error {
public:
    explicit TeamError(const ErrorParts& parts) : Error(ErrorKind::infrastructure, parts) {}
};

/// Waits until the operation is done, calling `beat` again and again. Throws a TeamError, and aborts the collective,
/// when it fails, when it takes longer than `limit_s`, and when `beat` returns false (a stop was asked for).
void wait(Collective& team, Ticket ticket, double limit_s, const std::function<bool()>& beat);

}  // namespace fairsweep
