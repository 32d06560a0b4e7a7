#pragma once
/// What the benchmarks that race Python torch have in common: options, and who is raced.
#include <boost/program_options.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "python_race.hpp"

namespace fairsweep {

struct RaceOptions {
    std::vector<std::string> architectures{"iresnet18", "mobilefacenet"};
    std::string python;  ///< interpreter with torch
    int batch = 16, rounds = 5, threads = 2;
    bool race = true, json = false;
};

/// Reads the command line into `options`, whose values are the defaults. `more` are the program's own. --help ends the program.
void parse_race_options(int count, char** words, const std::string& title,
                        const boost::program_options::options_description& more, RaceOptions& options);

/// Memory and threads as in fairsweep, the opponent started (null with --no-race), and the head of the JSON object.
struct Race {
    Race(const RaceOptions& options, const std::string& script, const char* bench);
    std::unique_ptr<PythonRace> python;
    nlohmann::json all;
};

/// Measures every architecture; a table for each as it comes, or everything as one JSON object at the end.
template <class Options, class Measure, class Print, class ToJson>
void run_race(Race& race, const Options& options, const Measure& measure, const Print& print, const ToJson& to_json) {
    for (const std::string& architecture : options.architectures) {
        const auto figures = measure(architecture, options, race.python.get());
        race.all["results"].push_back(to_json(figures, options));
        if (!options.json) print(figures, options);
    }
    if (options.json) std::cout << race.all.dump() << "\n";
}

}  // namespace fairsweep
