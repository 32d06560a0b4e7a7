#pragma once
/// Attempts of a stage that came to no end, counted over runs out of the rows that the journal keeps of them. All of these
/// rows have the state `preempted`; their failure class says what happened:
///   preempted  begun (text kBegunMessage: no word since), or stopped on request
///   lost       its worker died or fell silent; or its whole run died while nothing else was running
///   hang       no progress before its deadline
///   none       its whole run died while others were running too: nobody knows whose fault it was
#include <cstdint>

#include "fairsweep/outcome.hpp"

namespace fairsweep {

struct AttemptHistory {
    std::uint32_t losses = 0;
    std::uint32_t hangs = 0;
    std::uint32_t interruptions = 0;
};

/// persistent: the text of a row whose attempt was leased and has not been heard of.
inline constexpr const char* kBegunMessage = "begun, not ended";
[[nodiscard]] bool is_begun(const Row& row);

/// Takes in the next row of the stage: one that ended the stage begins the count anew.
void count_attempt(AttemptHistory& history, const Row& row);

/// The row that follows a begun one whose run died. `begun_together`: stages that this run had begun and not ended, this one
/// included: alone it is to blame, with others it is a suspect.
[[nodiscard]] Row interrupted_row(const Row& begun, std::size_t begun_together);

}  // namespace fairsweep
