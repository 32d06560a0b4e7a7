#include "run/worker_loop.hpp"

#include <atomic>
#include <future>
#include <stdexcept>
#include <vector>

#include "fairsweep/error.hpp"
#include "mpi/local_link.hpp"
#include "run/clocks.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

/// Answers with what it was ordered, as its message.
class EchoRunner final : public StageRunner {
public:
    explicit EchoRunner(std::filesystem::path folder) : folder_(std::move(folder)) {}
    StageOutcome run(const StageOrder& order, const StageMonitor&) override {
        StageOutcome outcome;
        outcome.state = StageState::done;
        outcome.message = folder_.string() + " " + order.parameters;
        outcome.artefact = order.id;
        return outcome;
    }
    bool artefact_present(StageKind, const Digest&, const StageOutcome&) const override { return true; }

private:
    std::filesystem::path folder_;
};

/// Takes its GPU when the test says so, or finds none.
class GpuRunner final : public StageRunner {
public:
    explicit GpuRunner(std::shared_future<void> gpu) : gpu_(std::move(gpu)) {}
    void use_gpu() override { gpu_.get(); }
    bool is_fit() const override { return !has_run_; }
    StageOutcome run(const StageOrder&, const StageMonitor&) override {
        has_run_ = true;
        StageOutcome outcome;
        outcome.state = StageState::failed;
        return outcome;
    }
    bool artefact_present(StageKind, const Digest&, const StageOutcome&) const override { return true; }

private:
    std::shared_future<void> gpu_;
    std::atomic<bool> has_run_ = false;
};

/// What a worker says besides its beats until it has said `count` things.
std::vector<Message> said(Link& link, WorkerLoop& worker, std::size_t count) {
    std::vector<Message> messages;
    for (int round = 0; round < 20000 && messages.size() < count; ++round) {
        worker.step(steady_now_s());
        while (auto incoming = link.poll())
            if (Message message = decode(incoming->bytes); !std::holds_alternative<BeatMessage>(message)) messages.push_back(std::move(message));
        sleep_s(1e-3);
    }
    REQUIRE(messages.size() == count);
    return messages;
}

template <class M>
M next(Link& link, WorkerLoop& worker) {
    for (int round = 0; round < 20000; ++round) {
        worker.step(steady_now_s());
        while (auto incoming = link.poll()) {
            Message message = decode(incoming->bytes);
            if (auto* wanted = std::get_if<M>(&message)) return *wanted;
        }
        sleep_s(1e-3);
    }
    FAIL("the message did not come");
    return {};
}

void send(Link& link, const Message& message) { link.send(1, std::make_shared<const Bytes>(encode(message))); }

}  // namespace

TEST_CASE("A worker runs what its lease says, in the folder of the welcome, and repeats the coordinator's numbers") {
    LocalPost post(2);
    const auto coordinator = post.link(0);
    const auto link = post.link(1);
    WorkerLoop worker(*link, [](const std::filesystem::path& folder) { return std::make_unique<EchoRunner>(folder); }, {});
    CHECK(next<JoinMessage>(*coordinator, worker).pid != 0);
    send(*coordinator, WelcomeMessage{"here.files"});
    StageOrder order;
    order.id = sha256("a stage");
    order.parameters = "{}";
    send(*coordinator, LeaseMessage{4000000, Attempt{7}, order});
    const auto finished = next<FinishedMessage>(*coordinator, worker);
    CHECK(finished.stage == 4000000);  // no plan here in which it could be looked up
    CHECK(finished.attempt == Attempt{7});
    CHECK(finished.outcome.message == "here.files {}");
    CHECK(finished.outcome.artefact == order.id);
    send(*coordinator, AcknowledgeMessage{4000000, Attempt{7}});
    send(*coordinator, DismissMessage{true});
    while (worker.end() == WorkerLoop::End::none) worker.step(steady_now_s());
    CHECK(worker.end() == WorkerLoop::End::dismissed);
}

TEST_CASE("A lease before the welcome is refused") {
    LocalPost post(2);
    const auto coordinator = post.link(0);
    const auto link = post.link(1);
    WorkerLoop worker(*link, [](const std::filesystem::path& folder) { return std::make_unique<EchoRunner>(folder); }, {});
    send(*coordinator, LeaseMessage{0, Attempt{1}, {}});
    CHECK_THROWS_AS(
        [&] {
            for (int round = 0; round < 1000; ++round) worker.step(steady_now_s());
        }(),
        Error);
}

TEST_CASE("A worker takes its GPU beside its beats; one that finds none, or whose GPU has failed, leaves before it is granted more") {
    LocalPost post(2);
    const auto coordinator = post.link(0);
    const auto link = post.link(1);
    std::promise<void> gpu;
    const std::shared_future<void> taken(gpu.get_future());
    WorkerSettings settings;
    settings.beat_s = 0.0;
    WorkerLoop worker(*link, [&](const std::filesystem::path&) { return std::make_unique<GpuRunner>(taken); }, settings);
    static_cast<void>(next<JoinMessage>(*coordinator, worker));
    send(*coordinator, WelcomeMessage{"here.files", true});
    send(*coordinator, LeaseMessage{3, Attempt{1}, {}});
    for (int i = 0; i < 3; ++i) CHECK_FALSE(next<BeatMessage>(*coordinator, worker).busy);  // it waits
    CHECK(worker.has_work_under_way());
    const bool is_there = GENERATE(true, false);
    if (is_there)
        gpu.set_value();
    else
        gpu.set_exception(std::make_exception_ptr(std::runtime_error("no GPU")));
    const std::vector<Message> words = said(*coordinator, worker, 2);
    CHECK(std::holds_alternative<LeavingMessage>(words[0]));
    const auto& finished = std::get<FinishedMessage>(words[1]);
    CHECK(finished.begun == is_there);
    CHECK(finished.outcome.state == (is_there ? StageState::failed : StageState::preempted));
    if (!is_there) CHECK_FALSE(worker.has_work_under_way());
}
