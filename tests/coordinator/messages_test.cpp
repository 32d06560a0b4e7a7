#include "coordinator/messages.hpp"

#include <cstring>

#include "fairsweep/error.hpp"
#include "fairsweep/hash.hpp"
#include "fairsweep/random.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

StageOutcome full_outcome() {
    StageOutcome outcome;
    outcome.state = StageState::done;
    outcome.failure = FailureClass::none;
    outcome.message = "all is well";
    outcome.wall_s = 1.5;
    outcome.cpu_s = 2.5;
    outcome.peak_memory_bytes = 1ULL << 40;
    outcome.lost_team = true;
    outcome.artefact = sha256("artefact");
    outcome.artefact_bytes = 12345;
    outcome.measured[Metric::loss_first] = 9;
    outcome.measured[Metric::loss_last] = 1;
    outcome.measured[Metric::sparsity_measured] = 0.7;
    outcome.measured[Metric::teacher_cosine] = 0.99;
    outcome.measured[Metric::pooled_threshold] = 0.31;
    outcome.groups = {{300, 301, 590, 98.25, 97.5, 0.01, 0.02, 0.03, 0.99}, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
    outcome.scores = {0.5F, -0.25F, 1.0F};
    return outcome;
}

StageOrder full_order() {
    return {
        .id = sha256("compression"),
        .kind = StageKind::compression,
        .parameters = "{\"seed\":1}",
        .needs = {{StageKind::baseline, sha256("baseline"), sha256("its file")},
                  {StageKind::prepare, sha256("prepare"), Digest{}}},
        .data = {{"faces", "recordio", "/data/a b", {}}, {"rfw", "rfw", "/data/rfw", {"African", "Asian"}}},
        .groups = {"African", "Asian"},
        .classes = {"happy", "sad"},
        .program = {.time_limit_s = 60.0, .stop_signal = "INT", .grace_s = 5.0, .log_bytes = 4096, .depends = {"my.py", "a b"}},
        .run = {.checkpoint_s = 7.5},
        .code_version = "1.2 abc"};
}

std::vector<Message> all_messages() {
    return {JoinMessage{4711, "node7"},
            BeatMessage{true, 3, Attempt{2}, 0.5, 99},
            FinishedMessage{3, Attempt{2}, 1700000000.25, full_outcome(), false, false},
            LeavingMessage{},
            WelcomeMessage{"sweep.h5.files", true},
            LeaseMessage{5, Attempt{6}, full_order(), 77, {4, 2, 1, 3}},
            RevokeMessage{5, Attempt{6}, true},
            AcknowledgeMessage{5, Attempt{6}},
            AliveMessage{},
            DrainMessage{},
            DismissMessage{true}};
}

/// Puts a right checksum under changed bytes, so that what lies behind the checksum is tested too.
void sign(Bytes& bytes) {
    std::memset(bytes.data() + 20, 0, 4);
    const std::uint32_t crc = crc32c(bytes);
    std::memcpy(bytes.data() + 20, &crc, 4);
}

}  // namespace

TEST_CASE("Every message comes back as it was") {
    const auto messages = all_messages();
    REQUIRE(messages.size() == std::variant_size_v<Message>);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        REQUIRE(messages[i].index() == i);
        const Bytes bytes = encode(messages[i]);
        const Message back = decode(bytes);
        CHECK(back.index() == i);
        CHECK(encode(back) == bytes);
    }
    const auto back = std::get<FinishedMessage>(decode(encode(all_messages()[2])));
    const StageOutcome expected = full_outcome();
    CHECK(back.stage == 3);
    CHECK(back.attempt == Attempt{2});
    CHECK(back.finished_unix_s == 1700000000.25);
    CHECK(back.outcome.message == expected.message);
    CHECK(back.outcome.artefact == expected.artefact);
    CHECK(back.outcome.peak_memory_bytes == expected.peak_memory_bytes);
    CHECK(back.outcome.lost_team);
    CHECK_FALSE(back.leads);
    CHECK_FALSE(back.begun);
    CHECK(back.outcome.measured[Metric::pooled_threshold] == expected.measured[Metric::pooled_threshold]);
    REQUIRE(back.outcome.groups.size() == 2);
    CHECK(back.outcome.groups == expected.groups);
    CHECK(back.outcome.scores == expected.scores);
    CHECK(std::get<JoinMessage>(decode(encode(all_messages()[0]))).host == "node7");
    CHECK(std::get<WelcomeMessage>(decode(encode(all_messages()[4]))).artefact_folder == "sweep.h5.files");
    CHECK(std::get<WelcomeMessage>(decode(encode(all_messages()[4]))).needs_gpu);
    const auto lease = std::get<LeaseMessage>(decode(encode(all_messages()[5])));
    CHECK(lease.lease == 77);
    CHECK(lease.ranks == std::vector<std::uint32_t>{4, 2, 1, 3});
    CHECK(std::get<RevokeMessage>(decode(encode(all_messages()[6]))).at_step);
    const StageOrder order = lease.order;
    CHECK(order.id == full_order().id);
    CHECK(order.kind == StageKind::compression);
    CHECK(order.parameters == full_order().parameters);
    REQUIRE(order.needs.size() == 2);
    CHECK(order.needs[0].kind == StageKind::baseline);
    CHECK(order.needs[0].id == sha256("baseline"));
    CHECK(order.needs[0].sha256 == sha256("its file"));
    CHECK(order.needs[1].sha256.is_zero());
    REQUIRE(order.data.size() == 2);
    CHECK(order.data[0].path == "/data/a b");
    CHECK(order.data[1].groups == full_order().groups);
    CHECK(order.groups == full_order().groups);
    CHECK(order.code_version == "1.2 abc");
    CHECK(std::get<BeatMessage>(decode(encode(all_messages()[1]))).progress == 99);
}

TEST_CASE("A long error text is cut, too many scores are refused") {
    FinishedMessage finished;
    finished.outcome.message = std::string(5000, 'x');
    const auto back = std::get<FinishedMessage>(decode(encode(finished)));
    CHECK(back.outcome.message.size() == kMessageBytes);
    CHECK(back.outcome.message.substr(kMessageBytes - 4) == "x...");
    finished.outcome.scores.resize(kMaxOutcomeScores + 1);
    CHECK_THROWS_AS(encode(finished), Error);
}

TEST_CASE("A message cut anywhere is refused") {
    for (const Message& message : all_messages()) {
        const Bytes bytes = encode(message);
        for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_THROWS_AS(decode(std::span(bytes).first(size)), Error);
    }
}

TEST_CASE("One flipped bit anywhere is noticed") {
    for (const Message& message : all_messages()) {
        const Bytes bytes = encode(message);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            Bytes damaged = bytes;
            damaged[bit / 8] ^= std::byte{1} << (bit % 8);
            CHECK_THROWS_AS(decode(damaged), Error);
        }
    }
}

TEST_CASE("Damage behind a right checksum gives an error or a value within bounds, never a huge allocation") {
    RandomStream random(20240607, 1, "mutation");
    const auto messages = all_messages();
    std::size_t refused = 0;
    for (int round = 0; round < 20000; ++round) {
        Bytes bytes = encode(messages[random.below(messages.size())]);
        const auto changes = 1 + random.below(4);
        for (std::uint64_t i = 0; i < changes; ++i) bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(256));
        if (random.below(3) == 0) bytes.resize(random.below(bytes.size() + 40));
        if (bytes.size() >= kMessageHeaderBytes) {
            const std::uint64_t payload_bytes = bytes.size() - kMessageHeaderBytes;
            if (random.below(2) == 0) std::memcpy(bytes.data() + 8, &payload_bytes, 8);
            sign(bytes);
        }
        try {
            const Message message = decode(bytes);
            CHECK(decode(encode(message)).index() == message.index());
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::infrastructure);
            ++refused;
        }
    }
    CHECK(refused > 5000);
}
