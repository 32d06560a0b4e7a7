#include "store/journal.hpp"

#include <fstream>

#include "fairsweep/error.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using fairsweep::testing::read_bytes;

namespace {

constexpr std::uint32_t kPayload = 40;

std::vector<std::byte> payload(std::uint64_t number) { return std::vector<std::byte>(kPayload, static_cast<std::byte>(number)); }

JournalHeader header() { return {make_store_id(), kPayload, 1}; }

/// Batches of the given sizes, committed one after another.
std::vector<std::byte> make_journal(const JournalHeader& head, const std::vector<int>& batches) {
    std::vector<std::byte> bytes = encode_journal_header(head);
    std::uint64_t sequence = head.first_sequence;
    for (const int batch : batches) {
        const std::uint64_t durable = sequence - 1;
        for (int i = 0; i < batch; ++i, ++sequence) append_journal_record(bytes, sequence, durable, payload(sequence));
    }
    return bytes;
}

constexpr std::size_t kRecord = kJournalFrameBytes + kPayload;

}  // namespace

TEST_CASE("a whole journal gives all its records") {
    const JournalHeader head = header();
    const auto bytes = make_journal(head, {1, 3, 2});
    const JournalScan scan = scan_journal(bytes, head);
    REQUIRE(scan.records.size() == 6);
    CHECK(scan.torn_bytes == 0);
    CHECK(scan.damaged.empty());
    CHECK(scan.next_sequence == 7);
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(scan.records[i].sequence == i + 1);
        CHECK(std::equal(scan.records[i].payload.begin(), scan.records[i].payload.end(), payload(i + 1).begin()));
    }
}

TEST_CASE("a journal cut at any byte keeps its whole records and says where the torn tail begins") {
    const JournalHeader head = header();
    const auto bytes = make_journal(head, {1, 1, 1, 1});
    for (std::size_t size = kJournalHeaderBytes; size <= bytes.size(); ++size) {
        const JournalScan scan = scan_journal(std::span(bytes).first(size), head);
        const std::size_t whole = (size - kJournalHeaderBytes) / kRecord;
        REQUIRE(scan.records.size() == whole);
        REQUIRE(scan.whole_bytes == kJournalHeaderBytes + whole * kRecord);
        REQUIRE(scan.torn_bytes == size - scan.whole_bytes);
        REQUIRE(scan.damaged.empty());
    }
}

TEST_CASE("a flipped bit in a durable record is damage, in the last batch a torn tail") {
    const JournalHeader head = header();
    const auto good = make_journal(head, {1, 1, 3});
    for (std::size_t bit = 0; bit < (good.size() - kJournalHeaderBytes) * 8; ++bit) {
        auto bytes = good;
        bytes[kJournalHeaderBytes + bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        const JournalScan scan = scan_journal(bytes, head);
        const std::size_t slot = bit / 8 / kRecord;
        if (slot < 2) {
            REQUIRE(scan.damaged == std::vector<std::uint64_t>{slot + 1});
            REQUIRE(scan.records.size() == 4);
        } else {
            REQUIRE(scan.damaged.empty());
            REQUIRE(scan.records.size() == slot);
            REQUIRE(scan.torn_bytes == (5 - slot) * kRecord);
        }
    }
}

TEST_CASE("zeros and garbage behind the records are a torn tail") {
    const JournalHeader head = header();
    auto bytes = make_journal(head, {2});
    const std::size_t whole = bytes.size();
    bytes.resize(whole + 5 * kRecord + 3, std::byte{0});
    CHECK(scan_journal(bytes, head).whole_bytes == whole);
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end(), std::byte{0xFF});
    CHECK(scan_journal(bytes, head).whole_bytes == whole);
    CHECK(scan_journal(bytes, head).damaged.empty());
}

TEST_CASE("a record that claims much more durable records than there are costs nothing") {
    const JournalHeader head = header();
    auto bytes = encode_journal_header(head);
    append_journal_record(bytes, 1, ~0ULL - 5, payload(1));
    const JournalScan scan = scan_journal(bytes, head);
    CHECK(scan.records.size() == 1);
    CHECK(!scan.damaged.empty());
    CHECK(scan.damaged.size() <= 1u << 20);
}

TEST_CASE("a journal of another store, version or row size, or with a damaged header, is refused") {
    const JournalHeader head = header();
    const auto good = make_journal(head, {1});
    CHECK(decode_journal_header(good, head.store_id, kPayload, "j").first_sequence == 1);
    CHECK_THROWS_AS(decode_journal_header(good, make_store_id(), kPayload, "j"), Error);
    CHECK_THROWS_AS(decode_journal_header(good, head.store_id, kPayload + 1, "j"), Error);
    CHECK_THROWS_AS(decode_journal_header(std::span(good).first(20), head.store_id, kPayload, "j"), Error);
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < kJournalHeaderBytes * 8; ++bit) {
        auto bytes = good;
        bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        try {
            (void)decode_journal_header(bytes, head.store_id, kPayload, "j");
            ++accepted;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::store) ++accepted;
        }
    }
    CHECK(accepted == 0);
}

TEST_CASE("the owner appends behind the last whole record, never behind garbage") {
    const JournalHeader head = header();
    {
        Journal journal = Journal::create("j", head, {});
        const std::vector<std::vector<std::byte>> batch{payload(1), payload(2)};
        journal.commit(batch);
        journal.close();
    }
    std::ofstream("j", std::ios::app | std::ios::binary) << "half a record";
    const std::string torn = read_bytes("j");
    const JournalScan scan = scan_journal(std::as_bytes(std::span(torn.data(), torn.size())), head);
    CHECK(scan.torn_bytes == 13);
    Journal journal = Journal::open("j", scan);
    const std::vector<std::vector<std::byte>> batch{payload(3)};
    journal.commit(batch);
    journal.close();
    const std::string bytes = read_bytes("j");
    const JournalScan again = scan_journal(std::as_bytes(std::span(bytes.data(), bytes.size())), head);
    CHECK(again.records.size() == 3);
    CHECK(again.torn_bytes == 0);
}

TEST_CASE("every record of a journal that was written anew is vouched for") {
    const JournalHeader head{make_store_id(), kPayload, 10};
    const std::vector<std::vector<std::byte>> payloads{payload(1), payload(2), payload(3)};
    Journal::create("j", head, payloads).close();
    std::string bytes = read_bytes("j");
    bytes.back() = static_cast<char>(~bytes.back());
    const JournalScan scan = scan_journal(std::as_bytes(std::span(bytes.data(), bytes.size())), head);
    CHECK(scan.damaged == std::vector<std::uint64_t>{12});
    CHECK(scan.next_sequence == 13);
}
