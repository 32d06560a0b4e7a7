/// The program: finds the command, runs it, turns what was thrown into one message and an exit code.
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <span>

#include "commands.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/failure_class.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/process_memory.hpp"
#include "fairsweep/text.hpp"
#include "gpu_text.hpp"
#include "store/read_apart.hpp"
#include "version.hpp"

namespace fairsweep {
namespace {

struct Command {
    const char* name;
    const char* summary;
    int (*run)(const Arguments&);
    int data_error_exit;            ///< damaged or missing foreign files
    int infrastructure_error_exit;  ///< disk, memory, MPI
};

// In the order in which people use them.
constexpr Command kCommands[] = {
    {"plan", "what a job file would run, cost and miss; runs nothing", plan_command, 2, 2},
    {"run", "run what is missing of a sweep, resume it", run_command, 2, 4},
    {"status", "how far a sweep is, while it runs or afterwards", status_command, 3, 3},
    {"merge", "make one analysis file of one or more stores", merge_command, 3, 4},
    {"analyze", "statistics of a sweep, with intervals, into its analysis file", analyze_command, 2, 2},
    {"report", "draw one self-contained page from an analysis", report_command, 2, 2},
    {"embed", "embeddings of images by a network of yours", embed_command, 2, 2},
    {"evaluate", "the RFW protocol on one network or on embeddings", evaluate_command, 2, 2},
    {"export", "write the network of a point as safetensors or ONNX", export_command, 2, 2},
    {"scores", "the same figures for any matcher's scores", scores_command, 2, 2},
    {"data", "make, describe and check data sets", data_command, 1, 2},
    {"version", "print version, commit and libraries", nullptr, 2, 2},
};

void print_overview(std::ostream& out) {
    out << "fairsweep " << version_line() << "\n\n"
        << "Sweeps compressed face networks over MPI ranks and says which compression choice harms whom.\n\n"
        << "usage: fairsweep COMMAND [arguments]     fairsweep COMMAND --help\n\ncommands:\n";
    for (const Command& command : kCommands) {
        if (command.run == nullptr) continue;
        std::string name = command.name;
        name.resize(10, ' ');
        out << "  " << name << command.summary << "\n";
    }
}

int exit_code(const Command& command, ErrorKind kind) {
    if (kind == ErrorKind::data) return command.data_error_exit;
    if (kind == ErrorKind::infrastructure) return command.infrastructure_error_exit;
    return exit_code_of(kind);
}

int run_command(const Command& command, const Arguments& arguments) {
    const std::string who = std::string("fairsweep ") + command.name + ": ";
    try {
        return command.run(arguments);
    } catch (const Error& error) {
        log_error(who + error.what());
        return exit_code(command, error.kind());
    } catch (const std::bad_alloc&) {
        log_error(who + "out of memory");
        return command.infrastructure_error_exit;
    } catch (const std::exception& error) {
        log_error(who + "unexpected: " + error.what());
        return 70;
    }
}

int run(const Arguments& words) {
    if (!words.empty() && words[0] == kReadApartWord) return read_apart_command({words.begin() + 1, words.end()});
    if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
        print_overview(words.empty() ? std::cerr : std::cout);
        return words.empty() ? 2 : 0;
    }
    if (words[0] == "--version" || words[0] == "version") {
        std::cout << "fairsweep " << version_text() << gpu_text() << "\n";
        return 0;
    }
    std::vector<std::string> names;
    for (const Command& command : kCommands) {
        if (command.run != nullptr && words[0] == command.name) return run_command(command, {words.begin() + 1, words.end()});
        names.emplace_back(command.name);
    }
    const std::string near = nearest_word(words[0], names);
    log_error("unknown command '" + words[0] + "'" +
              (near.empty() ? "; see fairsweep --help" : ": did you mean '" + near + "'?"));
    return 2;
}

}  // namespace
}  // namespace fairsweep

int main(int argc, char** argv) {
    fairsweep::keep_freed_memory();
    return fairsweep::run({argv + 1, argv + argc});
}
