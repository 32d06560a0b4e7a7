#include "run/stop_signal.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <initializer_list>

namespace fairsweep {
namespace {

std::atomic<int> seen{0};
std::atomic<int> last_signal{SIGTERM};

extern "C" void count_signal(int number) {
    seen.fetch_add(1);
    last_signal.store(number);
}

}  // namespace

void catch_stop_signals() {
    struct sigaction action {};
    action.sa_handler = count_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR2}) sigaction(number, &action, nullptr);
}

int stop_signals_seen() { return seen.load(); }

void die_of_signal() {
    std::signal(last_signal.load(), SIG_DFL);
    std::raise(last_signal.load());
    ::_exit(130);
}

}  // namespace fairsweep
