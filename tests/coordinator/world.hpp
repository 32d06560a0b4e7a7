#pragma once
/// One-line worlds for tests of the coordinator: "b=5 t=1<b e1=1<b" is a plan of a baseline b of 5 s, a teacher t of 1 s that
/// needs b, and an evaluation e1 of 1 s that needs b. The first letter gives the kind (p prepare, b baseline, t teacher,
/// c compression, e evaluation); every evaluation is a point, whose network is its first need.
#include <sstream>
#include <string>

#include "coordinator/coordinator.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep::testing {

inline StageKind kind_of(char letter) {
    switch (letter) {
        case 'p':
            return StageKind::prepare;
        case 'b':
            return StageKind::baseline;
        case 't':
            return StageKind::teacher;
        case 'c':
            return StageKind::compression;
        default:
            return StageKind::evaluation;
    }
}

inline Plan world(const std::string& line) {
    Plan plan;
    plan.sweep_name = "world";
    std::vector<std::string> names;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        const auto less = word.find('<');
        Stage stage;
        names.push_back(word.substr(0, equals));
        stage.kind = kind_of(word[0]);
        stage.id = sha256(line + names.back());
        stage.cost_s = std::stod(word.substr(equals + 1, less - equals - 1));
        if (less != std::string::npos) {
            for (const std::string& need : split(word.substr(less + 1), ',')) {
                for (StageIndex i = 0; i + 1 < names.size(); ++i) {
                    if (names[i] == need) stage.needs.push_back(i);
                }
            }
        }
        if (stage.kind == StageKind::evaluation) {
            Point point;
            point.id = stage.id;
            point.network_stage = stage.needs.empty() ? static_cast<StageIndex>(plan.stages.size()) : stage.needs.front();
            point.evaluation_stage = static_cast<StageIndex>(plan.stages.size());
            plan.points.push_back(point);
        }
        plan.stages.push_back(std::move(stage));
    }
    return plan;
}

/// Commands as text, one word each: "grant(w1,s0,a1) accept(s0,done) close(s1,skipped) revoke(w1,s0) drop(w1,s0) lost(w1,s0)
/// hang(w1,s0) drain(w1) dismiss(w1)"; "grant(w1+w2,s0,a1)" to a team, "end(w1,s0)" at a step.
inline std::string text_of(const Commands& commands) {
    std::string text;
    for (const Command& command : commands) {
        if (!text.empty()) text += ' ';
        const auto w = [](WorkerId worker) { return "w" + std::to_string(number(worker)); };
        const auto team = [&w](const Team& members) {
            std::string names;
            for (const WorkerId member : members) names += (names.empty() ? "" : "+") + w(member);
            return names;
        };
        const auto s = [](StageIndex stage) { return "s" + std::to_string(stage); };
        if (const auto* grant = std::get_if<GrantLease>(&command)) {
            text += "grant(" + team(grant->team) + "," + s(grant->stage) + ",a" + std::to_string(number(grant->attempt)) + ")";
        } else if (const auto* revoke = std::get_if<RevokeLease>(&command)) {
            text += (revoke->at_step ? "end(" : "revoke(") + w(revoke->worker) + "," + s(revoke->stage) + ")";
        } else if (const auto* accept = std::get_if<AcceptResult>(&command)) {
            text += "accept(" + s(accept->stage) + "," + name_of(accept->state) + ")";
        } else if (const auto* drop = std::get_if<DropResult>(&command)) {
            text += "drop(" + w(drop->worker) + "," + s(drop->stage) + ")";
        } else if (const auto* closed = std::get_if<CloseStage>(&command)) {
            text += "close(" + s(closed->stage) + "," + name_of(closed->state) + ")";
        } else if (const auto* loss = std::get_if<RecordLoss>(&command)) {
            text += std::string(name_of(loss->failure)) + "(" + w(loss->worker) + "," + s(loss->stage) + ")";
        } else if (const auto* drain = std::get_if<DrainWorker>(&command)) {
            text += "drain(" + w(drain->worker) + ")";
        } else if (const auto* dismiss = std::get_if<DismissWorker>(&command)) {
            text += "dismiss(" + w(dismiss->worker) + ")";
        }
    }
    return text;
}

inline Opening opening_of(const Plan& plan, OpeningRequest request = {}) {
    return open_stages(plan, std::vector<StageBefore>(plan.stages.size()), request);
}

inline constexpr Verdict kDone{StageState::done, FailureClass::none};
inline constexpr Verdict kPreempted{StageState::preempted, FailureClass::preempted};
inline Verdict failed(FailureClass failure) { return {StageState::failed, failure}; }
/// Of a member that does not lead.
inline Verdict of_member(Verdict verdict) {
    verdict.leads = false;
    return verdict;
}
inline constexpr Verdict kLostTeam{StageState::failed, FailureClass::io, true, true};

}  // namespace fairsweep::testing
