#pragma once
/// What a plan reads: data sets and the files of programs, looked at when the first point needs them.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fairsweep/error.hpp"
#include "plan/cost.hpp"
#include "plan/make_plan.hpp"
#include "words/program_command.hpp"

namespace fairsweep {

/// The data sets of the plan, looked at when the first point needs them.
class DataCatalogue {
public:
    DataCatalogue(const Sweep& sweep, const DataProbe& probe, Plan& plan) : sweep_(sweep), probe_(probe), plan_(plan) {}

    Digest id(const std::string& name) {
        const PlannedData& data = entry(name);
        if (data.present) return data.id;
        Digest& id = missing_[name];  // an id of its own, so that sharing can be counted
        return id.is_zero() ? id = sha256("missing data set: " + name) : id;
    }
    std::uint64_t images(const std::string& name) { return entry(name).images; }

private:
    const PlannedData& entry(const std::string& name) {
        const auto found = plan_.data.find(name);
        if (found != plan_.data.end()) return found->second;
        const bool is_evaluation = name == sweep_.evaluation_data;
        PlannedData data;
        data.source = sweep_.data.at(name);
        data.present = probe_.present(data.source);
        if (data.present) data.id = probe_.digest(data.source);
        if (data.present && probe_.images) data.images = probe_.images(data.source, is_evaluation);
        if (data.present && probe_.planted) data.planted = probe_.planted(data.source);
        if (!data.present) plan_.provisional = true;
        if (data.images == 0) data.images = assumed_images(name, is_evaluation);
        return plan_.data.emplace(name, std::move(data)).first->second;
    }

    const Sweep& sweep_;
    const DataProbe& probe_;
    Plan& plan_;
    std::map<std::string, Digest> missing_;
};

/// What the users' programs depend on, read when the first point needs them.
class ProgramFiles {
public:
    ProgramFiles(const DataProbe& probe, Plan& plan) : probe_(probe), plan_(plan) {}

    /// Of the contents of its files; zero where there are none.
    Digest depends(const std::string& name, const Program& program) {
        if (program.settings.depends.empty()) return {};
        Digest& known = known_[name];
        return known.is_zero() ? known = read(name, program) : known;
    }

private:
    Digest read(const std::string& name, const Program& program) const {
        std::string missing;
        std::vector<Digest> contents;
        for (const std::string& path : program.settings.depends) {
            const auto digest = probe_.file ? probe_.file(path) : std::optional(sha256("file that nobody reads: " + path));
            if (digest) contents.push_back(*digest);
            if (!digest) missing += (missing.empty() ? "" : ", ") + path;
        }
        if (!probe_.file) plan_.provisional = true;
        if (missing.empty()) return digest_of_depends(contents);
        throw_usage({.attempted = "files that a program depends on are missing",
                     .where = "program." + name + ".depends",
                     .found = "no file " + missing,
                     .expected = "files that can be read",
                     .hint = "relative paths begin in the folder you are in"});
    }

    const DataProbe& probe_;
    Plan& plan_;
    std::map<std::string, Digest> known_;  ///< by name of the program
};

}  // namespace fairsweep
