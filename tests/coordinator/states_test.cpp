/// docs/states.md against the enumerations and rules of the code.
#include "states_document.hpp"

#include "coordinator/coordinator.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

TEST_CASE("the document has every state of a stage, and says rightly which are final and which are stored") {
    for (const StageState state : all_of<StageState>()) {
        INFO(name_of(state));
        const auto row = document_row("## Stages", name_of(state), 4);
        REQUIRE(row.has_value());
        CHECK((row->at(1) == "yes") == is_final(state));
        CHECK((row->at(2) == "yes") == (state != StageState::waiting && state != StageState::running));
    }
}

TEST_CASE("the document has every state of a worker") {
    for (const WorkerState state : all_of<WorkerState>()) CHECK(document_row("## Workers", name_of(state), 3).has_value());
}
