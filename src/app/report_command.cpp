/// fairsweep report: one self-contained page from an analysed file.
#include <algorithm>

#include "commands.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "report/page.hpp"
#include "store/analysis_file.hpp"

namespace fairsweep {
namespace po = boost::program_options;

int report_command(const Arguments& arguments) {
    po::options_description options("options");
    options.add_options()("file", po::value<std::string>(), "the analysis file, analyzed")("output", po::value<std::string>(),
                                                                                           "page to write: .html or .md");
    po::positional_options_description positional;
    positional.add("file", 1);
    po::variables_map values;
    const CommandHelp help{"fairsweep report A.h5 --output R.html|R.md", "Draws one self-contained page from an analysed file.",
                           "  fairsweep analyze analysis.h5\n  fairsweep report analysis.h5 --output report.html"};
    if (!parse_arguments(arguments, help, options, positional, values)) return 0;
    if (values.count("file") == 0 || values.count("output") == 0) {
        throw_usage({.attempted = "report",
                     .where = help.usage,
                     .found = values.count("file") == 0 ? "no analysis file named" : "no --output",
                     .expected = "both",
                     .hint = "see --help"});
    }
    const std::string path = values["file"].as<std::string>();
    const std::vector<std::string> tables = result_table_names(path);
    if (std::find(tables.begin(), tables.end(), "configurations") == tables.end()) {
        throw_usage({.attempted = "report",
                     .where = path,
                     .found = "an analysis file without statistics",
                     .expected = "the tables that analyze adds",
                     .hint = "run first: fairsweep analyze " + path});
    }
    const std::string output = values["output"].as<std::string>();
    draw_page(path, output);
    log_info("wrote " + output);
    return 0;
}

}  // namespace fairsweep
