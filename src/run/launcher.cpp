#include "run/launcher.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "run/clocks.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/start_program.hpp"
#include "run/stop_signal.hpp"

namespace fairsweep {
namespace {

constexpr double kRound_s = 0.1;
/// Ended by force mpirun gets TERM, so much later KILL, and again so much later up: stuck in the kernel it never ends.
constexpr double kKillGrace_s = 5.0;

std::vector<std::string> mpirun_words(const LaunchRequest& request) {
    std::vector<std::string> words = {"mpirun", "--enable-recovery",          "--oversubscribe", "--bind-to", "none",
                                      "-n",     std::to_string(request.ranks)};
    // A lone colon begins the next program for mpirun, wherever it stands; as a path it may as well be "./:".
    for (const std::string& word : request.command) words.push_back(word == ":" ? "./:" : word);
    return words;
}

Environment environment_of(const LaunchRequest& request) {
    Environment environment = environment_of_process();
    set_variable(environment, kLaunchedVariable, request.mark);
    set_variable(environment, "OMP_NUM_THREADS", std::to_string(request.threads_per_rank));
    // Messages are small; the kernel's cross-memory copy is refused in many containers, and fails when a rank dies in it.
    set_variable_if_unset(environment, "OMPI_MCA_btl_vader_single_copy_mechanism", "none");
    if (::geteuid() == 0) {
        set_variable(environment, "OMPI_ALLOW_RUN_AS_ROOT", "1");
        set_variable(environment, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    }
    return environment;
}

pid_t start(const LaunchRequest& request) {
    // If this program's parent part is killed, the ranks drain and end instead of running on unseen.
    const StartedProgram started =
        start_program({.words = mpirun_words(request), .environment = environment_of(request), .parent_death_signal = SIGUSR2});
    if (started.pid >= 0) return started.pid;
    throw_infrastructure({.attempted = "cannot start mpirun",
                          .where = "PATH",
                          .found = describe_errno(started.error_number),
                          .expected = "Open MPI's mpirun",
                          .hint = "install openmpi-bin, or run in one process with --workers 0"});
}

/// Hands on what this process was told since the last round.
class SignalRelay {
public:
    explicit SignalRelay(pid_t mpirun) : mpirun_(mpirun) {}
    void relay() {
        const int seen = stop_signals_seen();
        if (seen > handed_on_ && handed_on_ == 0) {
            log_info("stopping: running stages end at their next step (once more: kill)");
            ::kill(mpirun_, SIGUSR2);
        } else if (seen > handed_on_ && killed_at_s_ == 0) {
            log_warning("killing all ranks");
            kill_all();
        }
        handed_on_ = seen;
        if (since_kill_s() > kKillGrace_s) ::kill(-mpirun_, SIGKILL);
    }
    /// mpirun ends its ranks when it gets TERM, stopped ones too.
    void kill_all() {
        if (killed_at_s_ != 0) return;
        ::kill(mpirun_, SIGCONT);
        ::kill(mpirun_, SIGTERM);
        killed_at_s_ = steady_now_s();
    }
    [[nodiscard]] bool is_beyond_help() const { return since_kill_s() > 2 * kKillGrace_s; }

private:
    [[nodiscard]] double since_kill_s() const { return killed_at_s_ == 0 ? 0 : steady_now_s() - killed_at_s_; }
    pid_t mpirun_;
    int handed_on_ = 0;
    double killed_at_s_ = 0;
};

}  // namespace

void run_under_mpirun(const LaunchRequest& request, const std::function<bool()>& each_round) {
    const pid_t mpirun = start(request);
    SignalRelay signals(mpirun);
    while (true) {
        int status = 0;
        const pid_t ended = ::waitpid(mpirun, &status, WNOHANG);
        if (ended == mpirun || (ended < 0 && errno != EINTR)) return;
        signals.relay();
        if (each_round()) signals.kill_all();
        if (signals.is_beyond_help()) {
            log_warning("mpirun does not end, not even killed; it is left behind");
            return;
        }
        sleep_s(kRound_s);
    }
}

}  // namespace fairsweep
