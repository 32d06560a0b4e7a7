#include "run/clocks.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace fairsweep {

double steady_now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
double unix_now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

void sleep_s(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

void IdleWait::after(bool something_happened) {
    constexpr double kShortest_s = 50e-6;
    constexpr double kLongest_s = 500e-6;
    if (something_happened) {
        next_s_ = kShortest_s;
        return;
    }
    sleep_s(next_s_);
    next_s_ = std::min(next_s_ * 1.5, kLongest_s);
}

}  // namespace fairsweep
