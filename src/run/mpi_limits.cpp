#include "run/mpi_limits.hpp"

#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>

#include "run/clocks.hpp"

namespace fairsweep {
namespace {

constexpr double kFlush_s = 2.0;
constexpr unsigned kFinish_s = 15;

extern "C" void give_up_finishing(int) { ::_exit(0); }

extern "C" void give_up_starting(int) {
    static constexpr char kText[] =
        "error MPI did not start in time: a rank died on the way, or the ranks cannot reach each other\n";
    if (::write(STDERR_FILENO, kText, sizeof kText - 1) < 0) ::_exit(4);
    ::_exit(4);
}

/// An alarm while this value lives.
class Alarm {
public:
    Alarm(double limit_s, void (*on_alarm)(int)) {
        std::signal(SIGALRM, on_alarm);
        ::alarm(static_cast<unsigned>(std::ceil(limit_s)));
    }
    ~Alarm() { ::alarm(0); }
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
};

}  // namespace

/// MPI_Init waits for all ranks, for ever when one has died (measured on Open MPI 4.1.4 with --enable-recovery).
std::unique_ptr<MpiSession> start_mpi(double limit_s) {
    const Alarm limit(limit_s, give_up_starting);
    return std::make_unique<MpiSession>();
}

void finish_mpi(MpiSession& session) {
    const Alarm limit(kFinish_s, give_up_finishing);
    session.finish();
}

void flush(Link& link) {
    const double until_s = steady_now_s() + kFlush_s;
    while (link.sends_pending() != 0 && steady_now_s() < until_s) {
        static_cast<void>(link.poll());
        sleep_s(1e-3);
    }
}

void end_process(int code) {
    std::fflush(nullptr);
    ::_exit(code);
}

}  // namespace fairsweep
