#pragma once
/// Values of job keys: lists, numbers, bit widths, paths. Every function throws one usage error that names the entry.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fairsweep/sweep.hpp"
#include "job/job_entries.hpp"
#include "words/value_text.hpp"

namespace fairsweep {

[[noreturn]] void refuse_value(const JobEntry& entry, const std::string& found, const std::string& expected,
                               const std::string& hint = {});

/// "did you mean 'x'?" or "" when nothing is near.
[[nodiscard]] std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

/// Parts between commas; refuses an empty list, an empty part and a part written twice.
[[nodiscard]] std::vector<std::string> list_of(const JobEntry& entry);
/// A list of parsed values; refuses values that are equal although written differently (0.5, 0.50). A value is nothing when
/// its text is wrong; `expected` then describes what is right.
template <typename Value>
[[nodiscard]] std::vector<Value> list_of(const JobEntry& entry, const std::string& expected,
                                         const std::function<std::optional<Value>(const std::string&)>& parse) {
    std::vector<Value> values;
    for (const std::string& part : list_of(entry)) {
        const std::optional<Value> value = parse(part);
        if (!value) refuse_value(entry, "'" + part + "'", expected);
        for (const Value& other : values) {
            if (other == *value) refuse_value(entry, "'" + part + "' repeats a value", "every value once");
        }
        values.push_back(*value);
    }
    return values;
}

/// A number from `least` to `most`; `otherwise` where the section does not say.
[[nodiscard]] double read_number(const JobEntries& entries, const std::string& section, const char* key, double least,
                                 double most, double otherwise);

/// Letters, digits, '_' and '-', at most 64 of them: names of sweeps and data sets enter file names and rules.
[[nodiscard]] bool is_plain_name(std::string_view text);

/// Replaces ${VAR} and ${VAR:-default} from the environment; an undefined variable without default stays as written.
[[nodiscard]] std::filesystem::path expand_path(const JobEntry& entry);

}  // namespace fairsweep
