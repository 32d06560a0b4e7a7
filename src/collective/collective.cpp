#include "fairsweep/collective.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

/// Small operations end within microseconds: a wait gives the processor away that often before it sleeps.
constexpr int kYields = 200;
constexpr std::chrono::microseconds kShortestSleep{20};
constexpr std::chrono::microseconds kLongestSleep{500};

[[noreturn]] void end_team(Collective& team, Ticket ticket, const std::string& why) {
    team.abort(why);
    const OperationStatus progress = team.poll(ticket);  // knows more than `why`: whom it waited for, or an earlier reason
    throw TeamError({.attempted = "cannot finish operation " + std::to_string(ticket.number) + " of a team",
                     .where = "rank " + std::to_string(team.rank()) + " of " + std::to_string(team.size()),
                     .found = progress.why.empty() ? why : progress.why});
}

}  // namespace

std::size_t bytes_of(Scalar type) {
    constexpr std::array<std::size_t, count_of<Scalar>> kBytes{4, 8, 2, 2, 8};
    return kBytes[index_of(type)];
}

void wait(Collective& team, Ticket ticket, double limit_s, const std::function<bool()>& beat) {
    const auto begin = std::chrono::steady_clock::now();
    auto sleep = kShortestSleep;
    for (int polls = 0;; ++polls) {
        const OperationStatus progress = team.poll(ticket);
        if (progress.state == OperationStatus::State::done) return;
        if (progress.state == OperationStatus::State::failed) end_team(team, ticket, progress.why);
        if (!beat()) end_team(team, ticket, "the stage was asked to stop");
        const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begin;
        if (waited.count() > limit_s) end_team(team, ticket, "it took longer than " + exact_number(limit_s) + " s");
        if (polls < kYields) {
            std::this_thread::yield();
        } else {
            std::this_thread::sleep_for(sleep);
            sleep = std::min(2 * sleep, kLongestSleep);
        }
    }
}

}  // namespace fairsweep
