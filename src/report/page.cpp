#include "report/page.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "fairsweep/error.hpp"

extern char** environ;

namespace fairsweep {
namespace {

namespace fs = std::filesystem;
constexpr const char* kSetupHint =
    "run ./scripts/setup, or set FAIRSWEEP_PYTHON to a Python with the packages of analysis/requirements.txt";

/// analysis/report.py beside the sources, or $FAIRSWEEP_ANALYSIS for an installed program.
fs::path script() {
    const char* folder = std::getenv("FAIRSWEEP_ANALYSIS");
    fs::path path = fs::path(folder != nullptr && *folder != '\0' ? folder : FAIRSWEEP_ANALYSIS_FOLDER) / "report.py";
    if (fs::is_regular_file(path)) return path;
    throw_infrastructure({.attempted = "find the program that draws the page",
                          .where = path.string(),
                          .found = "no such file",
                          .hint = "set FAIRSWEEP_ANALYSIS to the folder analysis/ of the sources"});
}

/// Exit status of the program; a signal counts as 128 + its number.
int run_and_wait(std::array<std::string, 4> words) {
    std::array<char*, 5> arguments{};
    for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
    pid_t child = 0;
    const int started = posix_spawn(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
    if (started != 0) {
        throw_infrastructure({.attempted = "start the program that draws the page",
                              .where = words[0],
                              .found = describe_errno(started),
                              .hint = kSetupHint});
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            throw_infrastructure(
                {.attempted = "wait for the program that draws the page", .where = words[0], .found = describe_errno(errno)});
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

fs::path report_interpreter() {
    const char* chosen = std::getenv("FAIRSWEEP_PYTHON");
    const bool by_user = chosen != nullptr && *chosen != '\0';
    const fs::path path = by_user ? fs::path(chosen) : fs::path(FAIRSWEEP_DEPS_FOLDER) / "venv/bin/python";
    if (access(path.c_str(), X_OK) == 0 && !fs::is_directory(path)) return path;
    throw_infrastructure({.attempted = "find a Python interpreter to draw the page",
                          .where = path.string(),
                          .found = by_user ? "FAIRSWEEP_PYTHON names no program" : "no interpreter there",
                          .expected = "Python 3.11 or newer with h5py, pandas and plotly",
                          .hint = kSetupHint});
}

void draw_page(const fs::path& analysis_file, const fs::path& output) {
    const std::string kind = output.extension().string();
    if (kind != ".html" && kind != ".md") {
        throw_usage({.attempted = "choose the form of the page",
                     .where = output.string(),
                     .found = kind.empty() ? "no ending" : kind,
                     .expected = ".html or .md"});
    }
    const fs::path interpreter = report_interpreter();
    const int status = run_and_wait({interpreter.string(), script().string(), analysis_file.string(), output.string()});
    if (status == 0) return;
    throw_infrastructure({.attempted = "draw the page",
                          .where = output.string(),
                          .found = "the drawing program ended with status " + std::to_string(status),
                          .hint = "its own message is above; " + std::string(kSetupHint)});
}

}  // namespace fairsweep
