#include "faces/groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/random.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep::faces {
namespace {

constexpr double kHardestSpread = 0.25, kHardestNoise = 2.5;  // separates the hardest group from the next by 7-8 points
constexpr std::size_t kMaxGroups = 64;

[[noreturn]] void refuse(const std::string& where, const std::string& found, const std::string& expected) {
    throw_usage({.attempted = "cannot understand the groups",
                 .where = where,
                 .found = found,
                 .expected = expected,
                 .hint = "give names (--groups A,B,C,D) or a file with lines `name,spread,noise`"});
}

void check_name(const std::string& name, const std::string& where) {
    const bool fits = !name.empty() && name.size() <= 16 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!fits) refuse(where, "the name '" + name + "'", "1 to 16 letters, digits or hyphens (it names folders)");
}

double knob(const std::string& word, const std::string& where, const char* name, double low, double high) {
    double value = 0.0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (problem != std::errc{} || end != word.data() + word.size() || !(value >= low && value <= high)) {
        refuse(where, fmt::format("{} '{}'", name, word), fmt::format("a number from {} to {}", low, high));
    }
    return value;
}

std::vector<Group> read_groups_file(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) refuse(path, "no such file", "a readable text file");
    std::vector<Group> groups;
    const std::vector<std::string> lines = split(read_text_file(path, 1U << 20U), '\n');
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string line(trim(lines[i].substr(0, lines[i].find('#'))));
        if (line.empty()) continue;
        const std::string where = fmt::format("{}, line {}", path, i + 1);
        const std::vector<std::string> words = split(line, ',');
        if (words.size() != 3) refuse(where, fmt::format("'{}'", line), "three fields: name,spread,noise");
        check_name(words[0], where);
        Group group;
        group.name = words[0];
        group.spread = knob(words[1], where, "spread", 0.0, 4.0);
        group.noise = knob(words[2], where, "noise", 0.0, 20.0);
        groups.push_back(group);
    }
    return groups;
}

std::vector<Group> named_groups(const std::string& text, std::uint64_t seed) {
    std::vector<Group> groups;
    for (const std::string& name : split(text, ',')) {
        check_name(name, "--groups " + text);
        groups.emplace_back().name = name;
    }
    if (groups.size() > 1) {  // one group alone is harder than no other
        RandomStream stream(seed, 0, "hardest group");
        Group& hardest = groups[stream.below(groups.size())];
        hardest.spread = kHardestSpread;
        hardest.noise = kHardestNoise;
    }
    return groups;
}

bool is_file(const std::string& text) {
    std::error_code ignored;
    return text.find('/') != std::string::npos || std::filesystem::is_regular_file(text, ignored) || text.ends_with(".csv") ||
           text.ends_with(".txt");
}

}  // namespace

std::vector<Group> parse_groups(const std::string& text, std::uint64_t seed) {
    std::vector<Group> groups = is_file(text) ? read_groups_file(text) : named_groups(text, seed);
    if (groups.empty() || groups.size() > kMaxGroups)
        refuse(text, fmt::format("{} groups", groups.size()), fmt::format("1 to {}", kMaxGroups));
    for (std::size_t i = 0; i < groups.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (groups[i].name == groups[j].name) refuse(text, "the name '" + groups[i].name + "' twice", "different names");
        }
    }
    RandomStream stream(seed, 0, "looks of groups");
    const std::vector<std::uint32_t> looks = shuffled_indices(kLookCount, stream);
    for (std::size_t i = 0; i < groups.size(); ++i) {
        groups[i].look = looks[i % kLookCount];  // more groups than looks: looks are used again
        groups[i].mean = look_mean(groups[i].look);
    }
    return groups;
}

double ease_of(const Group& group) { return group.spread / std::max(group.noise, 1e-9); }

std::string planted_json(const std::vector<Group>& groups, std::uint64_t seed) {
    std::vector<std::size_t> order(groups.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto ease = [&groups](std::size_t i) { return ease_of(groups[i]); };
    std::stable_sort(order.begin(), order.end(), [&ease](std::size_t a, std::size_t b) { return ease(a) < ease(b); });

    nlohmann::ordered_json root;
    root["what"] = "The difficulty planted in each group of these procedural faces, and the look it was drawn with.";
    root["seed"] = seed;
    for (const Group& group : groups) {
        root["groups"].push_back({{"name", group.name},
                                  {"identity_spread", group.spread},
                                  {"noise_multiplier", group.noise},
                                  {"look", group.look},
                                  {"mean_z", group.mean}});
    }
    for (const std::size_t i : order) root["order_hardest_first"].push_back(groups[i].name);
    root["hardest"] = groups.size() > 1 && ease(order[0]) < ease(order[1]) ? nlohmann::ordered_json(groups[order[0]].name)
                                                                           : nlohmann::ordered_json();
    return root.dump(2) + "\n";
}

}  // namespace fairsweep::faces
