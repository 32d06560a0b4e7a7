#include "job/values.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "fairsweep/error.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

/// What "VAR" or "VAR:-default" stands for; nothing when undefined.
std::optional<std::string> value_of_variable(const JobEntry& entry, const std::string& inside) {
    const auto separator = inside.find(":-");
    const std::string name = inside.substr(0, separator);
    const bool is_name = !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
                         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
    if (!is_name) refuse_value(entry, "'${" + inside + "}'", "${VARIABLE} or ${VARIABLE:-default}");
    // As in the shell, :- also replaces a variable that is set but empty.
    const char* value = std::getenv(name.c_str());
    if (value != nullptr && *value != '\0') return std::string(value);
    if (separator != std::string::npos) return inside.substr(separator + 2);
    return value != nullptr ? std::optional<std::string>("") : std::nullopt;
}

}  // namespace

void refuse_value(const JobEntry& entry, const std::string& found, const std::string& expected, const std::string& hint) {
    throw_usage({.attempted = "a value of the job file is wrong",
                 .where = entry.where,
                 .found = found,
                 .expected = expected,
                 .hint = hint});
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
    const std::string near = nearest_word(word, candidates);
    return near.empty() ? "" : "did you mean '" + near + "'?";
}

std::vector<std::string> list_of(const JobEntry& entry) {
    if (entry.value.empty()) refuse_value(entry, "nothing", "at least one value");
    std::vector<std::string> parts = split(entry.value, ',');
    for (auto part = parts.begin(); part != parts.end(); ++part) {
        if (part->empty())
            refuse_value(entry, "an empty place in '" + entry.value + "'", "values with single commas between them");
        if (std::find(parts.begin(), part, *part) != part) refuse_value(entry, "'" + *part + "' twice", "every value once");
    }
    return parts;
}

double read_number(const JobEntries& entries, const std::string& section, const char* key, double least, double most,
                   double otherwise) {
    const JobEntry* entry = entries.find(section, key);
    if (entry == nullptr) return otherwise;
    const auto value = parse_number(entry->value);
    if (!value || *value < least || *value > most)
        refuse_value(*entry, "'" + entry->value + "'", "a number from " + exact_number(least) + " to " + exact_number(most));
    return *value;
}

bool is_plain_name(std::string_view text) {
    constexpr std::size_t kLongest = 64;
    return !text.empty() && text.size() <= kLongest &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
}

std::filesystem::path expand_path(const JobEntry& entry) {
    if (entry.value.empty()) refuse_value(entry, "nothing", "a path");
    std::string path;
    const std::string& text = entry.value;
    for (std::size_t begin = 0;;) {
        const std::size_t open = text.find("${", begin);
        path += text.substr(begin, open - begin);
        if (open == std::string::npos) return path;
        const std::size_t close = text.find('}', open);
        if (close == std::string::npos) refuse_value(entry, "'" + text + "'", "a } for every ${");
        const std::string inside = text.substr(open + 2, close - open - 2);
        path += value_of_variable(entry, inside).value_or("${" + inside + "}");
        begin = close + 1;
    }
}

}  // namespace fairsweep
