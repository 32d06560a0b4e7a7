/// fairsweep data ...: its subcommands, and `data describe`.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "commands.hpp"
#include "data/describe.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;
using nlohmann::ordered_json;

constexpr CommandHelp kDescribeHelp{
    "fairsweep data describe DIR [--json] [--all]",
    "Says what a data set holds and lists every problem with its file and place. The format is found out: a RecordIO training "
    "folder, an RFW tree, a manifest of images with classes, folders of images, or a folder of such sets. Sets of fewer than "
    "20000 images are decoded whole, of "
    "larger ones the structure and a sample unless --all is given. Exit code 0: sound, 1: damaged.",
    "  fairsweep data describe faces/train\n"
    "  fairsweep data describe /data/ms1mv3 --all --json > ms1mv3.json"};

ordered_json problems_json(const std::vector<DataProblem>& problems) {
    ordered_json list = ordered_json::array();
    for (const DataProblem& problem : problems) {
        ordered_json entry{{"file", problem.file}, {"offset", nullptr}, {"what", problem.what}};
        if (problem.offset) entry["offset"] = *problem.offset;
        list.push_back(std::move(entry));
    }
    return list;
}

ordered_json to_json(const DataDescription& description) {
    ordered_json groups = ordered_json::object();
    for (const GroupCounts& group : description.groups) {
        groups[group.name] = {{"images", group.images}, {"identities", group.identities}, {"pairs", group.pairs}};
    }
    ordered_json root{{"format", description.format},
                      {"images", description.images},
                      {"identities", description.identities},
                      {"groups", std::move(groups)}};
    root["image_size"] = nullptr;  // unknown, or not the same for all
    if (description.image_size) root["image_size"] = {description.image_size->first, description.image_size->second};
    root["images_decoded"] = description.images_decoded;
    root["problem_count"] = description.problem_count;
    root["problems"] = problems_json(description.problems);
    for (const ClassCounts& counts : description.classes)
        for (std::size_t g = 0; g < counts.images.size(); ++g)
            root["classes"][counts.name][description.groups[g].name] = counts.images[g];
    for (const GroupingCounts& grouping : description.groupings)
        for (const auto& [group, images] : grouping.images) root["groupings"][grouping.name][group] = images;
    if (!description.parts.empty()) {
        root["sets"] = ordered_json::object();
        for (const auto& [name, part] : description.parts) root["sets"][name] = to_json(part);
    }
    return root;
}

/// Images of every class, and per group where the lines stay short.
void print_classes(const DataDescription& description) {
    constexpr std::size_t kMostColumns = 8;
    const bool has_columns = description.groups.size() > 1 && description.groups.size() <= kMostColumns;
    std::cout << fmt::format("  {:<16}{:>10}", "class", "images");
    for (std::size_t g = 0; has_columns && g < description.groups.size(); ++g)
        std::cout << fmt::format("{:>12}", description.groups[g].name);
    std::cout << "\n";
    for (const ClassCounts& counts : description.classes) {
        std::cout << fmt::format("  {:<16}{:>10}", counts.name,
                                 std::accumulate(counts.images.begin(), counts.images.end(), std::uint64_t{0}));
        for (std::size_t g = 0; has_columns && g < counts.images.size(); ++g)
            std::cout << fmt::format("{:>12}", counts.images[g]);
        std::cout << "\n";
    }
}

void print_groupings(const DataDescription& description) {
    constexpr std::size_t kMostGroups = 20;
    for (const GroupingCounts& grouping : description.groupings) {
        std::cout << fmt::format("  grouping {}:", grouping.name);
        for (std::size_t g = 0; g < std::min(kMostGroups, grouping.images.size()); ++g)
            std::cout << fmt::format("{} {} {}", g == 0 ? "" : ",", grouping.images[g].first, grouping.images[g].second);
        if (grouping.images.size() > kMostGroups)
            std::cout << fmt::format(" ... and {} more", grouping.images.size() - kMostGroups);
        std::cout << "\n";
    }
}

void print_set(const std::string& name, const DataDescription& description) {
    std::cout << fmt::format("{}: {}, {} images of {} identities", name, description.format, description.images,
                             description.identities);
    if (description.image_size)
        std::cout << fmt::format(", {} x {} pixels", description.image_size->second, description.image_size->first);
    if (description.sizes_differ) std::cout << ", of different sizes";
    std::cout << fmt::format(" ({} decoded)\n", description.images_decoded);
    if (!description.groups.empty())
        std::cout << fmt::format("  {:<16}{:>10}{:>12}{:>10}\n", "group", "images", "identities", "pairs");
    for (const GroupCounts& group : description.groups) {
        std::cout << fmt::format("  {:<16}{:>10}{:>12}{:>10}\n", group.name, group.images, group.identities, group.pairs);
    }
    if (!description.classes.empty()) print_classes(description);
    print_groupings(description);
}

void print_table(const std::string& name, const DataDescription& description) {
    if (description.parts.empty()) print_set(name, description);
    for (const auto& [part_name, part] : description.parts) print_set(name + "/" + part_name, part);
    std::cout << (description.problem_count == 0 ? "no problem found\n"
                                                 : fmt::format("{} problems:\n", description.problem_count));
    for (const DataProblem& problem : description.problems) {
        std::cout << "  " << problem.file << (problem.offset ? fmt::format(", offset {}", *problem.offset) : "") << ": "
                  << problem.what << "\n";
    }
    if (description.problem_count > description.problems.size()) {
        std::cout << fmt::format("  ... and {} more\n", description.problem_count - description.problems.size());
    }
}

int data_describe(const Arguments& arguments) {
    po::options_description options("options");
    options.add_options()("folder", po::value<std::string>(), "the data set (also as first word)")(
        "json", "one JSON object on standard output")("all", "decode every image");
    po::positional_options_description positional;
    positional.add("folder", 1);
    po::variables_map values;
    if (!parse_arguments(arguments, kDescribeHelp, options, positional, values)) return 0;
    if (values.count("folder") == 0) {
        throw_usage({.attempted = "no folder was named", .where = kDescribeHelp.usage, .expected = "a folder"});
    }
    const std::string folder = values["folder"].as<std::string>();
    const DataDescription description = describe_data(folder, values.count("all") != 0);
    if (values.count("json") != 0) {
        // File names are bytes: those that are no UTF-8 are shown with a replacement character.
        std::cout << to_json(description).dump(2, ' ', false, ordered_json::error_handler_t::replace) << "\n";
    } else {
        print_table(folder, description);
    }
    return description.problem_count == 0 ? 0 : 1;
}

struct Subcommand {
    const char* name;
    const char* summary;
    int (*run)(const Arguments&);
};

constexpr Subcommand kSubcommands[] = {
    {"make", "draw procedural faces and write them as the real sets come", data_make},
    {"describe", "what a data set holds, and every problem with its place", data_describe},
};

void print_overview(std::ostream& out) {
    out << "usage: fairsweep data SUBCOMMAND [arguments]     fairsweep data SUBCOMMAND --help\n\nsubcommands:\n";
    for (const Subcommand& subcommand : kSubcommands) out << fmt::format("  {:<10}{}\n", subcommand.name, subcommand.summary);
    out << "\nexample:\n  fairsweep data make --out faces\n  fairsweep data describe faces\n";
}

}  // namespace

int data_command(const Arguments& words) {
    if (words.empty() || words[0] == "--help" || words[0] == "-h") {
        print_overview(words.empty() ? std::cerr : std::cout);
        return words.empty() ? 2 : 0;
    }
    std::vector<std::string> names;
    for (const Subcommand& subcommand : kSubcommands) {
        if (words[0] == subcommand.name) return subcommand.run({words.begin() + 1, words.end()});
        names.emplace_back(subcommand.name);
    }
    const std::string near = nearest_word(words[0], names);
    throw_usage({.attempted = "unknown subcommand",
                 .where = "fairsweep data",
                 .found = words[0],
                 .hint = near.empty() ? "see fairsweep data --help" : "did you mean " + near + "?"});
}

}  // namespace fairsweep
