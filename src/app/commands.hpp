#pragma once
/// The commands of the program, one file each. A command gets the words after its name and returns the exit code of
/// contract; it throws Error for everything that goes wrong, and main turns that into a message and a code.
#include <boost/program_options.hpp>
#include <string>
#include <vector>

namespace fairsweep {

using Arguments = std::vector<std::string>;

// Add the declaration here and the entry in main.cpp's table.
int plan_command(const Arguments& arguments);
int run_command(const Arguments& arguments);
int status_command(const Arguments& arguments);
int merge_command(const Arguments& arguments);
int analyze_command(const Arguments& arguments);
int report_command(const Arguments& arguments);
int embed_command(const Arguments& arguments);
int evaluate_command(const Arguments& arguments);
int export_command(const Arguments& arguments);
int scores_command(const Arguments& arguments);
int data_command(const Arguments& arguments);
int data_make(const Arguments& arguments);  ///< `fairsweep data make`, called by the data command

/// Parses a command's words. Adds --help, -v/--verbose and -q/--quiet, sets the log level, and turns every complaint of
/// Boost into a usage error with the nearest known option. Returns false when --help was asked for and printed.
struct CommandHelp {
    const char* usage;    ///< "fairsweep plan JOB [--store S] [--set k=v]..."
    const char* purpose;  ///< one sentence
    const char* example;  ///< a worked example, lines as they would be typed
};
[[nodiscard]] bool parse_arguments(const Arguments& arguments, const CommandHelp& help,
                                   const boost::program_options::options_description& options,
                                   const boost::program_options::positional_options_description& positional,
                                   boost::program_options::variables_map& values);

}  // namespace fairsweep
