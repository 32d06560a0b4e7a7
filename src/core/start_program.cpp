#include "fairsweep/start_program.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "fairsweep/text.hpp"

extern char** environ;

namespace fairsweep {
namespace {

bool is_of(std::string_view entry, std::string_view name) {
    return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
}

std::string value_in(const Environment& environment, std::string_view name) {
    for (const std::string& entry : environment)
        if (is_of(entry, name)) return entry.substr(name.size() + 1);
    return {};
}

bool is_program(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// The file that a shell would run; the name itself where there is none, so that starting it says why.
std::string find_program(const std::string& name, const Environment& environment) {
    if (name.find('/') != std::string::npos) return name;
    for (const std::string& folder : split(value_in(environment, "PATH"), ':')) {
        std::string path = (folder.empty() ? "." : folder) + "/" + name;
        if (is_program(path)) return path;
    }
    return name;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// All that the new process needs, made before there is one: between fork and exec a process with threads may not take memory.
struct Prepared {
    explicit Prepared(const ProgramStart& start)
        : path(find_program(start.words.front(), start.environment)),
          words(start.words),
          environment(start.environment),
          arguments(pointers_to(words)),
          variables(pointers_to(environment)) {}
    std::string path;
    std::vector<std::string> words, environment;
    std::vector<char*> arguments, variables;
};

[[noreturn]] void become(const Prepared& program, const ProgramStart& start, pid_t parent, int error_pipe) {
    ::setpgid(0, 0);
    if (start.parent_death_signal != 0) {
        ::prctl(PR_SET_PDEATHSIG, start.parent_death_signal);
        if (::getppid() != parent) ::_exit(127);  // it ended before it could be watched
    }
    for (int number = 1; number <= SIGRTMAX; ++number) ::signal(number, SIG_DFL);  // what we ignore, it need not
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
    if (start.output >= 0) {
        ::dup2(start.output, STDOUT_FILENO);
        ::dup2(start.output, STDERR_FILENO);
        ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    }
    ::execve(program.path.c_str(), program.arguments.data(), program.variables.data());
    const int error_number = errno;
    const ssize_t written = ::write(error_pipe, &error_number, sizeof error_number);
    ::_exit(written == sizeof error_number ? 127 : 126);
}

}  // namespace

Environment environment_of_process() {
    Environment environment;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) environment.emplace_back(*entry);
    return environment;
}

void set_variable(Environment& environment, const std::string& name, const std::string& value) {
    std::erase_if(environment, [&name](const std::string& entry) { return is_of(entry, name); });
    environment.push_back(name + "=" + value);
}

void set_variable_if_unset(Environment& environment, const std::string& name, const std::string& value) {
    const bool is_set =
        std::any_of(environment.begin(), environment.end(), [&name](const std::string& entry) { return is_of(entry, name); });
    if (!is_set) environment.push_back(name + "=" + value);
}

void drop_variables(Environment& environment, const std::string& name_start) {
    std::erase_if(environment, [&name_start](const std::string& entry) { return entry.starts_with(name_start); });
}

StartedProgram start_program(const ProgramStart& start) {
    const Prepared program(start);
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {-1, errno};
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) become(program, start, parent, ends[1]);
    const int fork_error = errno;
    ::close(ends[1]);
    int exec_error = 0;
    ssize_t got = 0;
    if (child > 0) {
        ::setpgid(child, child);  // whoever comes first
        do got = ::read(ends[0], &exec_error, sizeof exec_error);
        while (got < 0 && errno == EINTR);
    }
    ::close(ends[0]);
    if (child < 0) return {-1, fork_error};
    if (got != sizeof exec_error) return {child, 0};  // the pipe was closed by a successful exec
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    return {-1, exec_error};
}

}  // namespace fairsweep
