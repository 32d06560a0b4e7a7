#include <iostream>

#include "commands.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

std::string nearest_option(const std::string& word, const po::options_description& options) {
    std::vector<std::string> names;
    for (const auto& option : options.options()) names.push_back("--" + option->long_name());
    return nearest_word(word, names);
}

}  // namespace

bool parse_arguments(const Arguments& arguments, const CommandHelp& help, const po::options_description& options,
                     const po::positional_options_description& positional, po::variables_map& values) {
    po::options_description all;
    all.add(options);
    all.add_options()("help,h", "print this and exit")("verbose,v", "more log lines")("quiet,q", "errors only");
    try {
        po::store(po::command_line_parser(arguments)
                      .options(all)
                      .positional(positional)
                      .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
                      .run(),
                  values);
        if (values.count("help") != 0) {
            std::cout << "usage: " << help.usage << "\n\n"
                      << help.purpose << "\n\n"
                      << all << "\nexample:\n"
                      << help.example << "\n";
            return false;
        }
        po::notify(values);
    } catch (const po::unknown_option& error) {
        const std::string near = nearest_option(error.get_option_name(), all);
        throw_usage({.attempted = "unknown option",
                     .where = help.usage,
                     .found = error.get_option_name(),
                     .hint = near.empty() ? "see --help" : "did you mean " + near + "?"});
    } catch (const po::error& error) {
        throw_usage({.attempted = "cannot understand the command line",
                     .where = help.usage,
                     .found = error.what(),
                     .hint = "see --help"});
    }
    if (values.count("verbose") != 0) set_log_level(LogLevel::verbose);
    if (values.count("quiet") != 0) set_log_level(LogLevel::quiet);
    return true;
}

}  // namespace fairsweep
