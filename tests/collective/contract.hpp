#pragma once
/// The contract of Collective (include/fairsweep/collective.hpp) as cases, the same for every implementation.
///
/// A test program links contract.cpp and contract_values.cpp, defines teams_under_test(), and so runs every case on every team
/// that it names. The suite makes teams again and again; each member lives on a thread of its own, and the suite's thread calls
/// pump() meanwhile. Members may also be processes: then members_here() is one rank, every process runs the same cases in the
/// same order, and meet() keeps them together between cases.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fairsweep/collective.hpp"

namespace fairsweep::contract {

/// Memory that the implementation works on: the host's, unless it says otherwise.
class Memory {
public:
    virtual ~Memory() = default;
    [[nodiscard]] virtual void* data() = 0;
    [[nodiscard]] virtual bool on_device() const { return false; }
    virtual void write(const std::vector<std::byte>& bytes) = 0;
    [[nodiscard]] virtual std::vector<std::byte> read() const = 0;
};

/// Teams of one size of one implementation.
class Teams {
public:
    virtual ~Teams() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual int size() const = 0;
    [[nodiscard]] virtual std::vector<int> members_here() const;  ///< the ranks that this process runs: all of them
    /// A member of a new team. Called on the suite's thread; the member's thread uses it and destroys it. `number` is that of
    /// the team: the same for all its members, larger than every number before.
    [[nodiscard]] virtual std::unique_ptr<Collective> make(int rank, std::uint64_t number) = 0;
    [[nodiscard]] virtual std::unique_ptr<Memory> memory(std::size_t bytes);
    virtual void pump() {}  ///< the suite's thread, again and again while members run
    virtual void meet() {}  ///< the suite's thread: processes wait for each other after every team
    /// Whether a failure says which rank it waited for.
    [[nodiscard]] virtual bool names_ranks() const { return true; }
};

/// Defined by the program under test.
[[nodiscard]] std::vector<std::unique_ptr<Teams>> teams_under_test();

/// One member of a team while it runs. Catch2's assertions belong to the suite's thread: members collect what went wrong.
class Member {
public:
    Member(Teams& teams, int rank, std::unique_ptr<Collective> team);
    [[nodiscard]] int rank() const { return rank_; }
    [[nodiscard]] int size() const { return size_; }
    [[nodiscard]] bool is_last() const { return rank_ == size_ - 1; }
    [[nodiscard]] Collective& team() { return *team_; }
    void leave() { team_.reset(); }
    void expect(bool holds, const std::string& what);
    /// Waits with the patience of a busy machine.
    void finish(Ticket ticket);
    /// What wait() threw, with this little patience; empty and a failure where it threw nothing.
    [[nodiscard]] std::string failure_of(Ticket ticket, double limit_s);
    [[nodiscard]] std::unique_ptr<Memory> memory(const std::vector<std::byte>& content);
    [[nodiscard]] const std::vector<std::string>& failures() const { return failures_; }

private:
    Teams& teams_;
    int rank_;
    int size_;
    std::unique_ptr<Collective> team_;
    std::vector<std::string> failures_;
};

/// Makes a team, runs `part` on every member's thread, and checks what they expected.
void run(Teams& teams, const std::function<void(Member&)>& part);

}  // namespace fairsweep::contract
