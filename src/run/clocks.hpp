#pragma once
/// Time as the loops see it: the only place where they ask the machine.

namespace fairsweep {

[[nodiscard]] double steady_now_s();  ///< of the steady clock, for intervals
[[nodiscard]] double unix_now_s();    ///< for people
void sleep_s(double seconds);

/// Sleeps longer the longer nothing happens: 50 us to 0.5 ms, so that a waiting rank costs next to nothing.
class IdleWait {
public:
    void after(bool something_happened);

private:
    double next_s_ = 50e-6;
};

}  // namespace fairsweep
