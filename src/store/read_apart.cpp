#include "store/read_apart.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "fairsweep/error.hpp"

extern char** environ;

namespace fairsweep {
namespace {

constexpr std::uint64_t kMaxTextBytes = 1 << 20;
constexpr std::uint64_t kAnswer = 0x5245574E41545046;  // what follows is an answer
constexpr std::uint64_t kError = 0x524F525245545046;   // what follows are the parts of an error
constexpr double kLeast_s = 20.0, kBytesPerSecond = 20e6;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

[[noreturn]] void cannot_start(int error_number) {
    throw_infrastructure({.attempted = "cannot start the process that reads an HDF5 file of others",
                          .where = "/proc/self/exe",
                          .found = describe_errno(error_number)});
}

std::string name_of_signal(int number) {
    const char* name = ::sigabbrev_np(number);
    return name == nullptr ? std::to_string(number) : std::string("SIG") + name;
}

void send_error(const ApartWriter& writer, const Error& error) {
    writer.number(kError);
    writer.number(static_cast<std::uint64_t>(error.kind()));
    const ErrorParts& parts = error.parts();
    for (const std::string* part : {&parts.attempted, &parts.where, &parts.found, &parts.expected, &parts.hint})
        writer.text(part->substr(0, kMaxTextBytes));
}

}  // namespace

// --- the process that reads -----------------------------------------------------------------------------------------

void ApartWriter::begin_answer() const { number(kAnswer); }

void ApartWriter::bytes(std::span<const std::byte> data) const {
    while (!data.empty()) {
        const ssize_t put = ::write(descriptor_, data.data(), data.size());
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) throw_infrastructure({.attempted = "cannot send"});
        data = data.subspan(static_cast<std::size_t>(put));
    }
}

void ApartWriter::text(const std::string& value) const {
    number(value.size());
    bytes(std::as_bytes(std::span(value.data(), value.size())));
}

int answer_apart(const std::function<void(const ApartWriter&)>& send) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit no_core{0, 0};  // a crash is an answer here
    ::setrlimit(RLIMIT_CORE, &no_core);
    const ApartWriter writer(STDOUT_FILENO);
    try {
        send(writer);
        return 0;
    } catch (const Error& error) {
        send_error(writer, error);
        return 0;
    }
}

// --- the asking process ---------------------------------------------------------------------------------------------

double time_limit_s(const std::filesystem::path& path) {
    std::error_code error;
    const auto size_bytes = std::filesystem::file_size(path, error);
    return kLeast_s + (error ? 0.0 : static_cast<double>(size_bytes) / kBytesPerSecond);
}

ApartReader::ApartReader(const std::string& what, const std::filesystem::path& path, double limit_s)
    : path_(path), limit_s_(limit_s), until_s_(now_s() + limit_s) {
    start(what);
    try {
        const std::uint64_t mark = number();
        if (mark == kError) throw_sent_error();
        if (mark != kAnswer) ended_early();
    } catch (...) {
        static_cast<void>(wait_for_end());
        throw;
    }
}

ApartReader::~ApartReader() { static_cast<void>(wait_for_end()); }

void ApartReader::start(const std::string& what) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) cannot_start(errno);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::array<std::string, 4> words{"fairsweep", kReadApartWord, what, path_.string()};
    std::array<char*, 5> arguments{};
    for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
    const int status = ::posix_spawn(&child_, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    descriptor_ = ends[0];
    if (status == 0) return;
    child_ = -1;
    ::close(descriptor_);
    cannot_start(status);
}

std::size_t ApartReader::read_some(std::span<std::byte> to) {
    while (true) {
        const double left_s = until_s_ - now_s();
        if (left_s <= 0) too_late();
        pollfd wanted{descriptor_, POLLIN, 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(std::min(left_s, 60.0) * 1000) + 1);
        if (ready <= 0) continue;  // a signal, or time for another look at the clock
        const ssize_t got = ::read(descriptor_, to.data(), to.size());
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR && errno != EAGAIN) ended_early();
    }
}

void ApartReader::bytes(std::span<std::byte> to) {
    while (!to.empty()) {
        const std::size_t got = read_some(to);
        if (got == 0) ended_early();
        to = to.subspan(got);
    }
}

std::uint64_t ApartReader::number() {
    std::uint64_t value = 0;
    bytes(std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

std::uint64_t ApartReader::count(std::uint64_t most) {
    const std::uint64_t value = number();
    if (value > most) ended_early();
    return value;
}

std::string ApartReader::text() {
    std::string value(count(kMaxTextBytes), '\0');
    bytes(std::as_writable_bytes(std::span(value.data(), value.size())));
    return value;
}

void ApartReader::throw_sent_error() {
    const auto kind = static_cast<ErrorKind>(count(static_cast<std::uint64_t>(ErrorKind::internal)));
    ErrorParts parts;
    for (std::string* part : {&parts.attempted, &parts.where, &parts.found, &parts.expected, &parts.hint}) *part = text();
    throw Error(kind, parts);
}

void ApartReader::finish() {
    std::array<std::byte, 1> more{};
    if (read_some(more) != 0 || wait_for_end() != 0) ended_early();
}

/// Ends the process if it has not ended, and returns its status as waitpid() gives it; 0 when it was waited for already.
int ApartReader::wait_for_end() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
    if (child_ < 0) return 0;
    int status = 0;
    // Whoever closed the pipe ends within moments; whoever has not is not waited for.
    for (int i = 0; i < 200; ++i) {
        const pid_t ended = ::waitpid(child_, &status, WNOHANG);
        if (ended != 0) {
            child_ = -1;
            return status;
        }
        ::usleep(5000);
    }
    ::kill(child_, SIGKILL);
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    return status;
}

void ApartReader::ended_early() {
    const int status = wait_for_end();
    const bool crashed = WIFSIGNALED(status) && WTERMSIG(status) != SIGPIPE;  // SIGPIPE: we had stopped listening
    throw_data({.attempted = "cannot read an HDF5 file",
                .where = path_.string(),
                .found = crashed ? fmt::format("the file made HDF5 crash ({})", name_of_signal(WTERMSIG(status)))
                                 : std::string("the process that read it ended without a whole answer"),
                .expected = "a whole HDF5 file",
                .hint = "the file is damaged: copy or make it again"});
}

void ApartReader::too_late() {
    ::kill(child_, SIGKILL);
    static_cast<void>(wait_for_end());
    throw_data({.attempted = "cannot read an HDF5 file",
                .where = path_.string(),
                .found = fmt::format("HDF5 did not end reading it within {:.0f} s", limit_s_),
                .expected = "a whole HDF5 file",
                .hint = "the file is damaged: copy or make it again"});
}

}  // namespace fairsweep
