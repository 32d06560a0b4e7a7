#include "python_race.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

[[noreturn]] void fail(const std::string& where, const std::string& found) {
    throw Error(ErrorKind::infrastructure, {.attempted = "race the Python script",
                                            .where = where,
                                            .found = found,
                                            .expected = "one JSON object for each line",
                                            .hint = "./scripts/setup --full installs the interpreter with torch"});
}

}  // namespace

PythonRace::PythonRace(const std::string& python, const std::string& script) {
    std::array<int, 2> down{}, up{};
    if (::pipe(down.data()) != 0 || ::pipe(up.data()) != 0) fail(script, "no pipes");
    std::signal(SIGPIPE, SIG_IGN);
    process_ = ::fork();
    if (process_ < 0) fail(script, "no process");
    if (process_ == 0) {
        ::dup2(down[0], STDIN_FILENO);
        ::dup2(up[1], STDOUT_FILENO);
        for (const int end : {down[0], down[1], up[0], up[1]}) ::close(end);
        ::execlp(python.c_str(), python.c_str(), script.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    ::close(down[0]);
    ::close(up[1]);
    to_ = down[1];
    from_ = up[0];
}

PythonRace::~PythonRace() {
    if (to_ >= 0) ::close(to_);
    if (from_ >= 0) ::close(from_);
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
}

nlohmann::json PythonRace::ask(const std::string& line) {
    const std::string text = line + "\n";
    if (::write(to_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail(line, "the script is gone");
    constexpr std::size_t kLongestAnswer = 1 << 16;
    std::string answer;
    for (char letter = 0; letter != '\n' && answer.size() < kLongestAnswer; answer += letter)
        if (::read(from_, &letter, 1) != 1) fail(line, "the script ended");
    const nlohmann::json json = nlohmann::json::parse(answer, nullptr, false);
    if (!json.is_object()) fail(line, answer);
    return json;
}

}  // namespace fairsweep
