#include <fmt/format.h>

#include <filesystem>

#include "commands.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "store/merge.hpp"
#include "version.hpp"

namespace fairsweep {
namespace po = boost::program_options;

int merge_command(const Arguments& arguments) {
    po::options_description options("options");
    options.add_options()("store", po::value<std::vector<std::string>>()->value_name("S"),
                          "store to read; may be repeated, also without --store")(
        "output,o", po::value<std::string>()->value_name("A.h5"), "analysis file to write; an old one is replaced");
    po::positional_options_description positional;
    positional.add("store", -1);
    const CommandHelp help{
        "fairsweep merge S... --output A.h5",
        "Makes one analysis file of one or more stores, finished or not. Of a point that several stores have, the "
        "finished one is taken, then that of the store named first; results that differ are reported.",
        "  fairsweep merge demo/sweep.h5 --output demo/analysis.h5\n"
        "  fairsweep merge laptop.h5 cluster.h5 --output both.h5"};
    po::variables_map values;
    if (!parse_arguments(arguments, help, options, positional, values)) return 0;
    if (values.count("store") == 0) {
        throw_usage({.attempted = "no store was given", .where = help.usage, .hint = "see --help"});
    }
    if (values.count("output") == 0) {
        throw_usage({.attempted = "--output is missing", .where = help.usage, .hint = "see --help"});
    }
    std::vector<std::filesystem::path> stores;
    for (const std::string& store : values["store"].as<std::vector<std::string>>()) stores.emplace_back(store);
    const std::filesystem::path output = values["output"].as<std::string>();
    for (const auto& store : stores) {
        std::error_code ignored;
        if (std::filesystem::equivalent(store, output, ignored)) {
            throw_usage({.attempted = "--output would replace a store", .where = output.string(), .expected = "another file"});
        }
    }
    const MergeSummary summary = merge_stores(stores, output, version_line());
    log_info(fmt::format("{}: {} points, {} of them done{}", output.string(), summary.points, summary.points_done,
                         summary.duplicates > 0 ? fmt::format(", {} were in more than one store", summary.duplicates) : ""));
    return 0;
}

}  // namespace fairsweep
