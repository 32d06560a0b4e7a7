/// Programs that end in every way, say too much, and leave others behind.
#include "external/watched_program.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "external/bounded_log.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/process.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using How = WatchedEnd::How;
namespace fs = std::filesystem;

namespace {

const std::function<bool(double)> kOn = [](double) { return true; };

WatchedEnd run_words(const std::vector<std::string>& words, const ProgramSettings& settings = {},
                     const std::function<bool(double)>& keep_going = kOn) {
    return run_watched(words, environment_of_process(), settings, "log", keep_going);
}

WatchedEnd run_shell(const std::string& script, const ProgramSettings& settings = {},
                     const std::function<bool(double)>& keep_going = kOn) {
    return run_words({"/bin/sh", "-c", script}, settings, keep_going);
}

std::uint32_t number_in(const fs::path& file) { return static_cast<std::uint32_t>(std::atoi(read_text_file(file).c_str())); }

/// Gone, or a zombie that nobody has waited for: whose parent died, waits for what runs as process 1 in a container.
bool is_gone(std::uint32_t pid) {
    if (!process_is_alive(pid)) return true;
    return read_text_file("/proc/" + std::to_string(pid) + "/stat").find(") Z ") != std::string::npos;
}

}  // namespace

TEST_CASE("an exit code, a signal and a program that is not there are told apart") {
    CHECK(run_shell("exit 0").how == How::exited);
    CHECK(run_shell("exit 3").code == 3);
    const WatchedEnd killed = run_shell("kill -SEGV $$");
    CHECK(killed.how == How::killed);
    CHECK(killed.code == SIGSEGV);
    const WatchedEnd absent = run_words({"no-such-program-anywhere"});
    CHECK(absent.how == How::not_started);
    CHECK(absent.code == ENOENT);
    write_file_atomically("plain.txt", std::string_view("no program"));
    CHECK(run_words({"./plain.txt"}).code == EACCES);
    CHECK(run_words({"true"}).how == How::exited);  // found in PATH
}

TEST_CASE("words arrive as they are, input is empty, and output and errors go to the log in their order") {
    const WatchedEnd end = run_words({"/bin/sh", "-c", R"(cat; echo "$0|$1"; echo wrong >&2; echo last)", "a b", "$HOME 'x'"});
    CHECK(read_text_file("log") == "a b|$HOME 'x'\nwrong\nlast\n");
    CHECK(end.last_words == "a b|$HOME 'x' / wrong / last");
    CHECK(end.peak_memory_bytes > 0);
}

TEST_CASE("of much output the beginning and the end are kept within the bound") {
    const ProgramSettings settings{.log_bytes = 4096};
    const WatchedEnd end = run_shell("echo first; head -c 10000000 /dev/zero | tr '\\0' x; echo; echo last", settings);
    CHECK(end.how == How::exited);
    const std::string log = read_text_file("log");
    CHECK(log.size() < 4096 + 100);
    CHECK(log.starts_with("first\nxxx"));
    CHECK(log.ends_with("xxx\nlast\n"));
    const std::size_t all = 6 + 10000000 + 1 + 5;
    CHECK_THAT(log, ContainsSubstring("\n... " + std::to_string(all - 4096) + " bytes left out by fairsweep ...\n"));
}

TEST_CASE("the beginning of the log can be read while the program runs") {
    bool seen = false;
    const WatchedEnd end = run_shell("echo begun; while [ ! -e seen ]; do sleep 0.02; done", {}, [&seen](double) {
        if (!seen && read_text_file("log") == "begun\n") {
            seen = true;
            write_file_atomically("seen", std::string_view("x"));
        }
        return true;
    });
    CHECK(seen);
    CHECK(end.how == How::exited);
}

TEST_CASE("asked to stop, a program gets its signal and time to save, and is killed after its grace") {
    const auto stop_once_ready = [](double) { return !fs::exists("ready"); };
    const std::string loop = "; touch ready; while :; do sleep 0.02; done";
    fs::remove("ready");
    const WatchedEnd saved =
        run_shell("trap 'echo saved > state; exit 0' USR1" + loop, {.stop_signal = "USR1", .grace_s = 600}, stop_once_ready);
    CHECK(saved.how == How::stopped);
    CHECK(read_text_file("state") == "saved\n");
    fs::remove("ready");
    const WatchedEnd stubborn = run_shell("trap '' TERM" + loop, {.grace_s = 0.1}, stop_once_ready);
    CHECK(stubborn.how == How::stopped);
    CHECK(stubborn.code == SIGKILL);
}

TEST_CASE("a program that passes its time limit is ended in the same way") {
    const WatchedEnd end = run_shell("echo slow; while :; do sleep 0.02; done", {.time_limit_s = 0.2, .grace_s = 0.1});
    CHECK(end.how == How::out_of_time);
    CHECK(end.last_words == "slow");
}

TEST_CASE("what a program leaves behind in its group is killed with its end, and nobody waits for it") {
    const WatchedEnd end = run_shell("sleep 1000 & echo $! > left; sleep 1000 > /dev/null 2>&1 & echo $! > silent; exit 0");
    CHECK(end.how == How::exited);
    CHECK(end.code == 0);
    for (int i = 0; i < 500 && !(is_gone(number_in("left")) && is_gone(number_in("silent"))); ++i) (void)run_words({"true"});
    CHECK(is_gone(number_in("left")));
    CHECK(is_gone(number_in("silent")));
}

TEST_CASE("a program that closes its output runs on") {
    const WatchedEnd end = run_shell("exec > /dev/null 2>&1; sleep 0.3; exit 5");
    CHECK(end.code == 5);
}

TEST_CASE("environment variables are set, replaced and dropped by name") {
    Environment environment{"A=1", "AB=2", "OMPI_X=3", "OMPI_Y=4"};
    set_variable(environment, "A", "5");
    set_variable_if_unset(environment, "AB", "6");
    set_variable_if_unset(environment, "C", "7");
    drop_variables(environment, "OMPI_");
    CHECK(environment == Environment{"AB=2", "A=5", "C=7"});
}

TEST_CASE("last words are whole short lines, without what a terminal obeys") {
    BoundedLog log("log", 1024);
    log.add("one\n\ntwo\x1b[0m\n");
    CHECK(log.last_words(100) == "one / two [0m");
    CHECK(log.last_words(10) == "two [0m");
    log.add(std::string(300, 'y') + "END\n");
    CHECK(log.last_words(5) == "yyEND");
}
