#include "job/job_entries.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <set>
#include <sstream>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;

bool may_repeat(const JobEntry& entry) { return entry.section == "constraint" && entry.key == "exclude"; }

std::string_view without_comment(std::string_view line) { return trim(line.substr(0, line.find('#'))); }
bool is_section(std::string_view line) { return line.size() >= 2 && line.front() == '[' && line.back() == ']'; }

/// Line numbers of the `key = value` lines, in order: Boost tells the values but not where they stand.
std::vector<int> lines_of_values(const std::string& text) {
    std::vector<int> lines;
    std::istringstream in(text);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const std::string_view content = without_comment(line);
        if (!content.empty() && !is_section(content)) lines.push_back(number);
    }
    return lines;
}

void refuse_lines_without_value(const std::string& text, const std::string& origin) {
    std::istringstream in(text);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const std::string_view content = without_comment(line);
        if (content.empty() || is_section(content) || content.find('=') != std::string_view::npos) continue;
        constexpr std::size_t kShownBytes = 80;
        throw_usage({.attempted = "cannot read the job file",
                     .where = origin + ", line " + std::to_string(number),
                     .found = "'" + std::string(content.substr(0, kShownBytes)) + "'",
                     .expected = "[section], key = value or # comment"});
    }
}

/// A key of the recipe among axes has a dot in its name: [axes] recipe.finetune_lr = 0.1, 0.05
void name_recipe_key(JobEntry& entry) {
    constexpr std::string_view kRecipe = ".recipe";
    if (!entry.section.starts_with("axes") || !entry.section.ends_with(kRecipe)) return;
    entry.section.resize(entry.section.size() - kRecipe.size());
    entry.key = "recipe." + entry.key;
}

std::vector<JobEntry> read_entries(const std::string& text, const std::string& origin) {
    refuse_lines_without_value(text, origin);
    const std::vector<int> lines = lines_of_values(text);
    std::istringstream in(text);
    std::vector<JobEntry> entries;
    try {
        const po::options_description none;
        constexpr bool kAllowUnregistered = true;  // which keys exist is checked later, with suggestions
        const auto parsed = po::parse_config_file(in, none, kAllowUnregistered);
        for (const auto& option : parsed.options) {
            const auto dot = option.string_key.rfind('.');
            JobEntry entry;
            if (dot != std::string::npos) entry.section = option.string_key.substr(0, dot);
            entry.key = dot == std::string::npos ? option.string_key : option.string_key.substr(dot + 1);
            name_recipe_key(entry);
            entry.value = option.value.empty() ? "" : std::string(trim(option.value.front()));
            const std::size_t index = entries.size();
            entry.where =
                origin + (index < lines.size() ? ", line " + std::to_string(lines[index]) : "") + ", key " + option.string_key;
            entries.push_back(std::move(entry));
        }
    } catch (const po::error& error) {
        throw_usage({.attempted = "cannot read the job file",
                     .where = origin,
                     .found = error.what(),
                     .expected = "[section], key = value and # comments"});
    }
    return entries;
}

}  // namespace

JobEntries::JobEntries(const std::string& text, const std::string& origin, const std::vector<std::string>& overrides)
    : origin_(origin), entries_(read_entries(text, origin)) {
    std::set<std::pair<std::string, std::string>> seen;
    for (const JobEntry& entry : entries_) {
        if (may_repeat(entry) || seen.emplace(entry.section, entry.key).second) continue;
        throw_usage({.attempted = "a key of the job file is given twice",
                     .where = entry.where,
                     .found = "'" + entry.value + "' and '" + find(entry.section, entry.key)->value + "'",
                     .expected = "one value (only constraint.exclude may be repeated)",
                     .hint = "lists are written with commas: 8, 4, 3"});
    }
    // Overrides of `exclude` replace the file's rules as a whole, and add up among themselves.
    const bool overrides_rules = std::any_of(overrides.begin(), overrides.end(), [](const std::string& override_text) {
        return override_text.rfind("constraint.exclude=", 0) == 0;
    });
    if (overrides_rules) std::erase_if(entries_, may_repeat);
    for (const std::string& override_text : overrides) apply_override(override_text);
}

void JobEntries::apply_override(const std::string& text) {
    const auto equals = text.find('=');
    const std::string name(trim(std::string_view(text).substr(0, equals)));
    const auto dot = name.rfind('.');
    const bool has_newline = text.find_first_of("\n\r#") != std::string::npos;
    if (equals == std::string::npos || dot == std::string::npos || dot == 0 || dot + 1 == name.size() || has_newline) {
        throw_usage({.attempted = "cannot understand an override",
                     .where = "--set",
                     .found = "'" + text + "'",
                     .expected = "section.key=value on one line, without #",
                     .hint = "for example --set axes.bits=32,4"});
    }
    JobEntry entry{name.substr(0, dot), name.substr(dot + 1), std::string(trim(std::string_view(text).substr(equals + 1))),
                   "--set " + text};
    name_recipe_key(entry);
    const auto same = std::find_if(entries_.begin(), entries_.end(), [&entry](const JobEntry& other) {
        return other.section == entry.section && other.key == entry.key;
    });
    if (same == entries_.end() || may_repeat(entry)) {
        if (!may_repeat(entry) || !entry.value.empty()) entries_.push_back(std::move(entry));
        return;
    }
    *same = std::move(entry);
}

const JobEntry* JobEntries::find(const std::string& section, const std::string& key) const {
    for (const JobEntry& entry : entries_) {
        if (entry.section == section && entry.key == key) return &entry;
    }
    return nullptr;
}

const JobEntry& JobEntries::require(const std::string& section, const std::string& key, const std::string& example) const {
    if (const JobEntry* entry = find(section, key)) return *entry;
    throw_usage({.attempted = "the job file lacks a key",
                 .where = origin_ + ", section [" + section + "]",
                 .found = "no " + section + "." + key,
                 .expected = key + " = " + example});
}

std::string JobEntries::text() const {
    // Sections in the order in which they first appear, so that keys added by overrides join their section.
    std::vector<std::string> sections;
    for (const JobEntry& entry : entries_) {
        if (std::find(sections.begin(), sections.end(), entry.section) == sections.end()) sections.push_back(entry.section);
    }
    std::string text;
    for (const std::string& section : sections) {
        text += "[" + section + "]\n";
        for (const JobEntry& entry : entries_) {
            if (entry.section == section) text += entry.key + " = " + entry.value + "\n";
        }
    }
    return text;
}

}  // namespace fairsweep
