#pragma once
/// All that decides or locates a stage, as a value: what a worker is sent of the plan.
#include <string>
#include <vector>

#include "fairsweep/hash.hpp"
#include "fairsweep/stage_kind.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

/// A stage that the ordered one needs, and what it left as its row says.
struct Need {
    StageKind kind{};
    Digest id;
    Digest sha256;  ///< of the file it left; zero: it left none
};

struct StageOrder {
    Digest id;
    StageKind kind{};
    std::string parameters;            ///< canonical text (fairsweep/stage_parameters.hpp)
    std::vector<Need> needs;           ///< in the order of Stage::needs
    std::vector<DataSource> data;      ///< in the order of Stage::data_sets
    std::vector<std::string> groups;   ///< of the evaluation set, in its order
    std::vector<std::string> classes;  ///< of the evaluation set; empty where its task has none
    ProgramSettings program;           ///< external: how its program is watched
    RunSettings run;
    std::string code_version;  ///< of the program that planned it
};

}  // namespace fairsweep
