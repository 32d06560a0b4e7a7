/// The words of the enumerations, as reports, JSON and stores spell them.
#include "fairsweep/check.hpp"
#include "fairsweep/outcome.hpp"
#include "fairsweep/plan.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

const char* name_of(Arm arm) {
    switch (arm) {
        case Arm::dense:
            return "dense";
        case Arm::sham:
            return "sham";
        case Arm::compressed:
            return "compressed";
    }
    check_failed("arm", "name of an unknown arm");
}

const char* name_of(StageKind kind) {
    switch (kind) {
        case StageKind::prepare:
            return "prepare";
        case StageKind::baseline:
            return "baseline";
        case StageKind::teacher:
            return "teacher";
        case StageKind::compression:
            return "compression";
        case StageKind::evaluation:
            return "evaluation";
    }
    check_failed("kind", "name of an unknown stage kind");
}

const char* name_of(StageState state) {
    switch (state) {
        case StageState::waiting:
            return "waiting";
        case StageState::running:
            return "running";
        case StageState::done:
            return "done";
        case StageState::diverged:
            return "diverged";
        case StageState::failed:
            return "failed";
        case StageState::lost:
            return "lost";
        case StageState::skipped:
            return "skipped";
        case StageState::quarantined:
            return "quarantined";
        case StageState::preempted:
            return "preempted";
    }
    check_failed("state", "name of an unknown stage state");
}

const char* name_of(FailureClass failure) {
    switch (failure) {
        case FailureClass::none:
            return "none";
        case FailureClass::lost:
            return "lost";
        case FailureClass::hang:
            return "hang";
        case FailureClass::out_of_memory:
            return "out_of_memory";
        case FailureClass::io:
            return "io";
        case FailureClass::numeric:
            return "numeric";
        case FailureClass::config:
            return "config";
        case FailureClass::preempted:
            return "preempted";
        case FailureClass::internal:
            return "internal";
    }
    check_failed("failure", "name of an unknown failure class");
}

bool is_final(StageState state) {
    return state != StageState::waiting && state != StageState::running && state != StageState::preempted;
}

std::string Bits::text() const {
    if (weight == activation) return std::to_string(weight);
    return "w" + std::to_string(weight) + "a" + std::to_string(activation);
}

}  // namespace fairsweep
