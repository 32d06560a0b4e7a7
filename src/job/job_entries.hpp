#pragma once
/// The job file as `section.key = value` entries, overrides applied, before anybody asks what they mean.
#include <string>
#include <vector>

namespace fairsweep {

struct JobEntry {
    std::string section;  ///< "axes", "data.ms1mv2"; "" before the first section
    std::string key;
    std::string value;  ///< trimmed
    std::string where;  ///< "jobs/demo.cfg, line 12, key axes.bits" or "--set axes.bits=0"
};

class JobEntries {
public:
    /// Throws a usage error for text that is no configuration file, a key given twice (`exclude` may be), a malformed override.
    JobEntries(const std::string& text, const std::string& origin, const std::vector<std::string>& overrides);

    [[nodiscard]] const std::vector<JobEntry>& all() const { return entries_; }
    /// The entry, or nullptr.
    [[nodiscard]] const JobEntry* find(const std::string& section, const std::string& key) const;
    /// The entry; a usage error that shows an example value when it is missing.
    [[nodiscard]] const JobEntry& require(const std::string& section, const std::string& key, const std::string& example) const;
    /// The entries as a job file again: what was run, for provenance.
    [[nodiscard]] std::string text() const;

private:
    void apply_override(const std::string& text);

    std::string origin_;
    std::vector<JobEntry> entries_;
};

}  // namespace fairsweep
