#include "run_arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

constexpr CommandHelp kHelp = {
    "fairsweep run JOB --store S [--workers N] [--only failed,lost,quarantined] [--max-failures N] [--fail-fast] [--set k=v]...",
    "Runs what is missing of a sweep, under MPI unless --workers 0. The same command again resumes it.",
    "  fairsweep run jobs/demo.cfg --store demo/sweep.h5 --workers 2\n"
    "  fairsweep run jobs/demo.cfg --store demo/sweep.h5 --only failed\n"
    "  mpirun --enable-recovery --oversubscribe --bind-to none -n 5 fairsweep run jobs/demo.cfg --store demo/sweep.h5\n\n"
    "exit codes: 0 all done, 1 some points failed, 2 usage or job file, 3 store damaged, 4 infrastructure, 75 stopped, "
    "resumable"};

std::vector<StageState> parse_only(const std::string& text) {
    static const std::vector<std::string> kNames = {"failed", "lost", "quarantined"};
    std::vector<StageState> states;
    for (const std::string& word : split(text, ',')) {
        const auto found = std::find(kNames.begin(), kNames.end(), word);
        if (found == kNames.end()) {
            const std::string near = nearest_word(word, kNames);
            throw_usage({.attempted = "cannot select stages to run",
                         .where = "--only",
                         .found = "'" + word + "'",
                         .expected = "failed, lost or quarantined, with commas between",
                         .hint = near.empty() ? "" : "did you mean " + near + "?"});
        }
        static constexpr StageState kStates[] = {StageState::failed, StageState::lost, StageState::quarantined};
        states.push_back(kStates[found - kNames.begin()]);
    }
    return states;
}

void read_patience(const char* variable, double& value_s) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return;
    const std::string_view word(text);
    double parsed = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), parsed);
    if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(parsed) || parsed <= 0) {
        throw_usage({.attempted = "cannot use an environment variable",
                     .where = variable,
                     .found = "'" + std::string(word) + "'",
                     .expected = "seconds, larger than 0"});
    }
    value_s = parsed;
}

void require_word(const po::variables_map& values, const char* name, const char* attempted, const char* expected,
                  const std::string& hint) {
    if (values.count(name) != 0 && !values[name].as<std::string>().empty()) return;
    throw_usage({.attempted = attempted,
                 .where = "fairsweep run",
                 .found = values.count(name) != 0 ? "an empty word" : "no such word",
                 .expected = expected,
                 .hint = hint});
}

}  // namespace

std::optional<RunOptions> parse_run_options(const Arguments& arguments) {
    RunOptions options;
    options.words = arguments;
    po::options_description description("options");
    description.add_options()("job", po::value<std::string>(), "job file")("store", po::value<std::string>(),
                                                                           "store to create or to continue")(
        "workers", po::value<int>(),
        "workers besides the coordinator; default one per core, or per GPU where stages run on GPUs; 0: one process without MPI")(
        "only", po::value<std::string>(), "try these again and nothing else: failed, lost, quarantined")(
        "max-failures", po::value<long long>(), "stop after so many stages have failed or were lost")(
        "fail-fast", "the same as --max-failures 1")("set", po::value<std::vector<std::string>>()->composing(),
                                                     "section.key=value, over the job file; may be repeated");
    po::positional_options_description positional;
    positional.add("job", 1);
    po::variables_map values;
    if (!parse_arguments(arguments, kHelp, description, positional, values)) return std::nullopt;
    require_word(values, "job", "no job file was named", "a job file",
                 "for example: fairsweep run jobs/demo.cfg --store demo/sweep.h5");
    require_word(values, "store", "--store is missing", "the store to create or to continue",
                 "for example: --store " + std::filesystem::path(values["job"].as<std::string>()).stem().string() + ".h5");
    options.job = values["job"].as<std::string>();
    options.store = values["store"].as<std::string>();
    if (values.count("set") != 0) options.overrides = values["set"].as<std::vector<std::string>>();
    options.quiet = values.count("quiet") != 0;
    if (values.count("workers") != 0) options.workers = values["workers"].as<int>();
    if (values.count("only") != 0) options.only = parse_only(values["only"].as<std::string>());
    const long long max_failures = values.count("max-failures") != 0 ? values["max-failures"].as<long long>() : 0;
    if (values.count("max-failures") != 0 && (max_failures < 1 || max_failures > std::numeric_limits<std::uint32_t>::max())) {
        throw_usage({.attempted = "cannot limit failures",
                     .where = "--max-failures",
                     .found = std::to_string(max_failures),
                     .expected = "1 or more"});
    }
    options.max_failures = static_cast<std::uint32_t>(max_failures);
    if (values.count("fail-fast") != 0) options.max_failures = 1;
    read_patience("FAIRSWEEP_WORKER_SILENCE_S", options.worker_silence_s);
    read_patience("FAIRSWEEP_COORDINATOR_SILENCE_S", options.coordinator_silence_s);
    read_patience("FAIRSWEEP_DRAIN_S", options.drain_s);
    read_patience("FAIRSWEEP_START_S", options.start_s);
    read_patience("FAIRSWEEP_END_S", options.end_s);
    read_patience("FAIRSWEEP_BEAT_S", options.beat_s);
    read_patience("FAIRSWEEP_GROW_AFTER_S", options.grow_after_s);
    return options;
}

}  // namespace fairsweep
