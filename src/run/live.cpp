#include "run/live.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/json_depth.hpp"

namespace fairsweep {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxLiveBytes = 64ULL << 20;
constexpr int kLiveVersion = 1;

json counts_to_json(const StateCounts& counts) {
    json object = {{"total", counts.total}};
    for (const StageState state : all_of<StageState>()) object[name_of(state)] = counts.by_state[state];
    return object;
}

StateCounts counts_from_json(const json& object) {
    StateCounts counts;
    counts.total = object.at("total").get<std::uint64_t>();
    for (const StageState state : all_of<StageState>()) counts.by_state[state] = object.at(name_of(state)).get<std::uint64_t>();
    return counts;
}

json worker_to_json(const LiveWorker& worker) {
    json object = {{"worker", worker.worker},
                   {"host", worker.host},
                   {"pid", worker.pid},
                   {"state", name_of(worker.state)},
                   {"heard_s_ago", worker.heard_s_ago}};
    if (!worker.stage.is_zero()) {
        object.update({{"stage", worker.stage.hex()},
                       {"kind", name_of(worker.kind)},
                       {"attempt", worker.attempt},
                       {"fraction", worker.fraction},
                       {"running_s", worker.running_s}});
    }
    return object;
}

template <class E>
E known(const json& word) {
    const auto& name = word.get_ref<const std::string&>();
    if (const auto value = from_name<E>(name)) return *value;
    throw_data({.attempted = "cannot read a live status", .found = name, .expected = "a known name"});
}

LiveWorker worker_from_json(const json& object) {
    LiveWorker worker;
    worker.worker = object.at("worker").get<std::int32_t>();
    worker.host = object.at("host").get<std::string>();
    worker.pid = object.at("pid").get<std::uint32_t>();
    worker.state = known<WorkerState>(object.at("state"));
    worker.heard_s_ago = object.at("heard_s_ago").get<double>();
    if (object.contains("stage")) {
        worker.stage = Digest::from_hex(object.at("stage").get<std::string>());
        worker.kind = known<StageKind>(object.at("kind"));
        worker.attempt = object.at("attempt").get<std::uint32_t>();
        worker.fraction = object.at("fraction").get<double>();
        worker.running_s = object.at("running_s").get<double>();
    }
    return worker;
}

LiveStatus live_from_json(const json& object) {
    LiveStatus status;
    status.sweep = object.at("sweep").get<std::string>();
    status.state = object.at("state").get<std::string>();
    status.pid = object.at("pid").get<std::uint32_t>();
    status.host = object.at("host").get<std::string>();
    status.silence_s = object.value("silence_s", status.silence_s);
    status.started_unix_s = object.at("started_unix_s").get<double>();
    status.updated_unix_s = object.at("updated_unix_s").get<double>();
    status.attempts = object.at("attempts").get<std::uint64_t>();
    const json& eta = object.at("eta_s");
    if (!eta.is_null()) status.eta_s = {eta.at(0).get<double>(), eta.at(1).get<double>()};
    status.points = counts_from_json(object.at("points"));
    status.stages = counts_from_json(object.at("stages"));
    for (const json& worker : object.at("workers")) status.workers.push_back(worker_from_json(worker));
    return status;
}

}  // namespace

RunPhase phase_of(const std::optional<LiveStatus>& live, const StoreSight& sight,
                  const std::function<bool(std::uint32_t pid)>& maker_is_alive) {
    const bool held = sight.lock == StoreSight::Lock::held;
    // A live status from before the store was taken is of an earlier run, or of the parent of a coordinator that is not up yet.
    if (!live || (held && live->updated_unix_s < sight.held_since_unix_s)) {
        if (!held) return RunPhase::none;
        const double limit_s = live ? live->silence_s : LiveStatus{}.silence_s;
        return sight.now_unix_s - sight.held_since_unix_s <= limit_s ? RunPhase::starting : RunPhase::silent;
    }
    const double age_s = sight.now_unix_s - std::max(live->updated_unix_s, sight.live_written_unix_s);
    const bool fresh = age_s <= live->silence_s;
    if (live->state == "starting") {
        const bool alive = live->host == sight.host ? maker_is_alive(live->pid) : fresh;
        return held || (alive && fresh) ? RunPhase::starting : RunPhase::none;
    }
    if (!held && (sight.lock == StoreSight::Lock::free || !fresh || live->state == "ended")) return RunPhase::none;
    if (!fresh) return RunPhase::silent;
    return live->state == "running" ? RunPhase::running : RunPhase::stopping;
}

std::string live_to_json(const LiveStatus& status) {
    json object = {{"version", kLiveVersion},
                   {"sweep", status.sweep},
                   {"state", status.state},
                   {"pid", status.pid},
                   {"host", status.host},
                   {"silence_s", status.silence_s},
                   {"started_unix_s", status.started_unix_s},
                   {"updated_unix_s", status.updated_unix_s},
                   {"attempts", status.attempts},
                   {"eta_s", nullptr},
                   {"points", counts_to_json(status.points)},
                   {"stages", counts_to_json(status.stages)},
                   {"workers", json::array()}};
    if (status.eta_s) object["eta_s"] = {status.eta_s->first, status.eta_s->second};
    for (const LiveWorker& worker : status.workers) object["workers"].push_back(worker_to_json(worker));
    return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

void write_live(const std::filesystem::path& path, const LiveStatus& status) {
    write_file_atomically(path, live_to_json(status));
}

std::optional<LiveStatus> read_live(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
    try {
        const std::string text = read_text_file(path, kMaxLiveBytes);
        if (json_depth(text) > kMaxJsonDepth) return std::nullopt;
        const json object = json::parse(text);
        if (object.at("version").get<int>() != kLiveVersion) return std::nullopt;
        return live_from_json(object);
    } catch (const json::exception&) {
        return std::nullopt;
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace fairsweep
