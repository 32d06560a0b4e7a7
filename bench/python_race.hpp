#pragma once
/// A Python script as the opponent of a benchmark: it stays alive, and runs what it is told in turns with the program, so
/// that both see the same noise of the machine.
#include <nlohmann/json.hpp>
#include <string>

namespace fairsweep {

class PythonRace {
public:
    /// Starts `python script`. Throws an infrastructure Error when it cannot be started or does not answer "hello".
    PythonRace(const std::string& python, const std::string& script);
    ~PythonRace();
    PythonRace(const PythonRace&) = delete;
    PythonRace& operator=(const PythonRace&) = delete;

    /// Sends one line, waits for the JSON object that answers it.
    nlohmann::json ask(const std::string& line);

private:
    int process_ = -1;
    int to_ = -1;
    int from_ = -1;
};

}  // namespace fairsweep
