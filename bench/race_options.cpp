#include "race_options.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "fairsweep/process_memory.hpp"

namespace fairsweep {

void parse_race_options(int count, char** words, const std::string& title,
                        const boost::program_options::options_description& more, RaceOptions& options) {
    namespace po = boost::program_options;
    const auto number = [](int& value) { return po::value(&value)->default_value(value); };
    po::options_description known(title);
    known.add_options()("help", "this text")("json", "one JSON object on standard output")(
        "architecture", po::value(&options.architectures)->multitoken(), "networks (iresnet18 mobilefacenet)")(
        "batch", number(options.batch), "images at a time")("rounds", number(options.rounds),
                                                            "interleaved rounds; the median counts")(
        "threads", number(options.threads), "threads, on both sides")("python",
                                                                      po::value(&options.python)->default_value(options.python),
                                                                      "interpreter with torch")("no-race", "do not start Python");
    known.add(more);
    po::variables_map values;
    po::store(po::parse_command_line(count, words, known), values);
    po::notify(values);
    if (values.count("help") != 0) {
        std::cout << known;
        std::exit(0);
    }
    options.json = values.count("json") != 0;
    options.race = values.count("no-race") == 0;
    options.rounds = std::max(1, options.rounds);
}

Race::Race(const RaceOptions& options, const std::string& script, const char* bench)
    : all{{"bench", bench}, {"batch", options.batch}, {"threads", options.threads}} {
    keep_freed_memory();
    at::set_num_threads(options.threads);
    if (!options.race) return;
    python = std::make_unique<PythonRace>(options.python, script);
    python->ask(fmt::format("threads {}", options.threads));
    all["opponent"] = python->ask("hello");
}

}  // namespace fairsweep
