#pragma once
/// Signals that ask to stop, counted. Handlers only count; everybody else polls.

namespace fairsweep {

/// From now on INT, TERM, HUP and USR2 are counted instead of killing this process.
void catch_stop_signals();
[[nodiscard]] int stop_signals_seen();
/// What a second Ctrl-C means to somebody who waits: end now, as the signal would have.
[[noreturn]] void die_of_signal();

}  // namespace fairsweep
