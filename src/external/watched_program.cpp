#include "external/watched_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "external/bounded_log.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "words/program_command.hpp"

namespace fairsweep {
namespace {

using How = WatchedEnd::How;
constexpr int kRound_ms = 50;
constexpr std::size_t kLastWordsBytes = 200;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The reading end of the pipe that a program writes to.
class Output {
public:
    Output() {
        std::array<int, 2> ends{-1, -1};
        if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
            throw_infrastructure({.attempted = "cannot make a pipe", .found = describe_errno(errno)});
        reading_ = ends[0];
        writing_ = ends[1];
        ::fcntl(writing_, F_SETFL, 0);  // only we read without waiting
    }
    ~Output() {
        close(reading_);
        close(writing_);
    }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    [[nodiscard]] int writing_end() const { return writing_; }
    void close_writing_end() { close(writing_); }

    /// Waits for a moment, not longer than until something comes.
    void wait() const {
        pollfd wanted{reading_, POLLIN, 0};
        static_cast<void>(::poll(&wanted, reading_ >= 0 ? 1 : 0, kRound_ms));
    }
    /// All that is there, but not for ever where a program writes faster than it is read.
    void drain_to(BoundedLog& log) {
        std::array<char, 65536> buffer{};
        for (int i = 0; i < 64 && reading_ >= 0; ++i) {
            const ssize_t got = ::read(reading_, buffer.data(), buffer.size());
            if (got > 0) {
                log.add({buffer.data(), static_cast<std::size_t>(got)});
            } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
                return;
            } else {
                close(reading_);  // nobody writes any more
            }
        }
    }

private:
    static void close(int& descriptor) {
        if (descriptor >= 0) ::close(descriptor);
        descriptor = -1;
    }
    int reading_ = -1, writing_ = -1;
};

/// A started program and all of its group; none of them outlives this.
class Group {
public:
    explicit Group(pid_t pid) : pid_(pid) {}
    ~Group() {
        if (pid_ > 0) static_cast<void>(reap());
    }
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

    void signal_all(int number) const { ::kill(-pid_, number); }
    /// The program has ended; its number is not free yet, so that its group can be signalled.
    [[nodiscard]] bool has_ended() const {
        siginfo_t info{};
        const int status = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
        return (status == 0 && info.si_pid == pid_) || (status != 0 && errno == ECHILD);
    }
    struct End {
        bool is_known = false;  ///< false: somebody else has taken the status
        int status = 0;         ///< as waitpid() gives it
        rusage usage{};
    };
    /// Kills what is left and waits for the program.
    End reap() {
        signal_all(SIGKILL);
        End end;
        pid_t reaped = -1;
        do reaped = ::wait4(pid_, &end.status, 0, &end.usage);
        while (reaped < 0 && errno == EINTR);
        end.is_known = reaped == pid_;
        pid_ = -1;
        return end;
    }

private:
    pid_t pid_;
};

/// Asks the group to stop, and kills it when it has not after its grace.
class Ending {
public:
    Ending(const Group& group, const ProgramSettings& settings) : group_(group), settings_(settings) {}
    [[nodiscard]] bool has_begun() const { return begun_s_ > 0; }
    [[nodiscard]] How how() const { return how_; }
    void begin(How how, double at_s) {
        how_ = how;
        begun_s_ = at_s;
        const auto number = stop_signal_number(settings_.stop_signal);
        group_.signal_all(number ? *number : SIGTERM);
        group_.signal_all(SIGCONT);  // a stopped program would not notice
    }
    void go_on(double at_s) const {
        if (has_begun() && at_s - begun_s_ >= settings_.grace_s) group_.signal_all(SIGKILL);
    }

private:
    const Group& group_;
    const ProgramSettings& settings_;
    How how_ = How::exited;
    double begun_s_ = 0.0;
};

}  // namespace

WatchedEnd run_watched(const std::vector<std::string>& words, const Environment& environment, const ProgramSettings& settings,
                       const std::filesystem::path& log_path, const std::function<bool(double elapsed_s)>& keep_going) {
    BoundedLog log(log_path, settings.log_bytes);
    Output output;
    const StartedProgram started = start_program(
        {.words = words, .environment = environment, .parent_death_signal = SIGKILL, .output = output.writing_end()});
    output.close_writing_end();
    if (started.pid < 0) return {.how = How::not_started, .code = started.error_number, .last_words = {}};
    Group group(started.pid);
    Ending ending(group, settings);
    for (const double begin_s = now_s(); !group.has_ended();) {
        output.wait();
        output.drain_to(log);
        const double at_s = now_s();
        const bool goes_on = keep_going(at_s - begin_s);
        if (!ending.has_begun() && !goes_on) ending.begin(How::stopped, at_s);
        if (!ending.has_begun() && at_s - begin_s >= settings.time_limit_s) ending.begin(How::out_of_time, at_s);
        ending.go_on(at_s);
    }
    const Group::End end = group.reap();
    output.drain_to(log);
    log.finish();
    if (!end.is_known)
        throw_infrastructure({.attempted = "cannot learn how a program ended",
                              .where = words.front(),
                              .found = "its exit status was taken by another process",
                              .expected = "its exit code",
                              .hint = "was fairsweep started with SIGCHLD ignored?"});
    WatchedEnd result{.how = ending.how(),
                      .code = WIFEXITED(end.status) ? WEXITSTATUS(end.status) : WTERMSIG(end.status),
                      .last_words = log.last_words(kLastWordsBytes),
                      .peak_memory_bytes = static_cast<std::uint64_t>(end.usage.ru_maxrss) * 1024};
    if (!ending.has_begun() && !WIFEXITED(end.status)) result.how = How::killed;
    return result;
}

}  // namespace fairsweep
