#include "store/row_record.hpp"

#include <algorithm>

#include "store_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::testing;

namespace {

RowRecord example(std::size_t groups = 2) {
    const Plan plan = make_plan(1);
    RowRecord record;
    record.row = make_row(plan.stages.back(), 5, groups);
    record.sequence = 77;
    record.scores_count = 20;
    record.scores_crc32c = 0xDEADBEEF;
    record.code_version = "0.1.0 (commit abc)";
    return record;
}

}  // namespace

TEST_CASE("a row comes back from its bytes as it was") {
    const RowRecord record = example();
    const auto bytes = encode_row(record, shape(2));
    CHECK(bytes.size() == row_bytes(shape(2)));
    const DecodedRow decoded = decode_row(bytes, shape(2));
    REQUIRE(decoded.condition == RowCondition::valid);
    CHECK(same_row(decoded.record.row, record.row));
    CHECK(decoded.record.sequence == 77);
    CHECK(decoded.record.scores_count == 20);
    CHECK(decoded.record.scores_crc32c == 0xDEADBEEF);
    CHECK(decoded.record.code_version == record.code_version);
}

TEST_CASE("every final state, failure class and stage kind is kept") {
    for (const StageState state : all_of<StageState>()) {
        if (state == StageState::waiting || state == StageState::running) continue;  // never stored
        for (const FailureClass failure : all_of<FailureClass>()) {
            for (const StageKind kind : all_of<StageKind>()) {
                RowRecord record = example();
                record.row.outcome.state = state;
                record.row.outcome.failure = failure;
                record.row.kind = kind;
                const DecodedRow decoded = decode_row(encode_row(record, shape(2)), shape(2));
                REQUIRE(decoded.condition == RowCondition::valid);
                CHECK(same_row(decoded.record.row, record.row));
            }
        }
    }
}

TEST_CASE("rows have the columns of their task, whatever they are") {
    const std::vector<FigureColumn> columns{{"images", "", true}, {"accuracy", "percent", false}, {"cross_entropy", "", false}};
    const RowShape other{2, columns};
    RowRecord record = example();
    record.row.outcome.groups = {{40, 92.5, 0.25}, {60, 88.125, -1.5}};
    const DecodedRow decoded = decode_row(encode_row(record, other), other);
    REQUIRE(decoded.condition == RowCondition::valid);
    CHECK(same_row(decoded.record.row, record.row));
    const auto fields = row_fields(other);
    const auto images = std::find_if(fields.begin(), fields.end(), [](const RowField& field) { return field.name == "images"; });
    REQUIRE(images != fields.end());
    CHECK(images->type == RowFieldType::u32);
    CHECK(images->count == 2);
    CHECK(decode_row(encode_row(record, other), shape(2)).condition == RowCondition::damaged);
}

TEST_CASE("any flipped bit of a row is noticed") {
    const auto good = encode_row(example(), shape(2));
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto bytes = good;
        bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        accepted += decode_row(bytes, shape(2)).condition == RowCondition::valid ? 1 : 0;
    }
    CHECK(accepted == 0);
}

TEST_CASE("a row without state byte is no row, whatever its body says") {
    auto bytes = encode_row(example(), shape(2));
    bytes.back() = std::byte{0};
    CHECK(decode_row(bytes, shape(2)).condition == RowCondition::empty);
    CHECK(decode_row(std::vector<std::byte>(row_bytes(shape(2))), shape(2)).condition == RowCondition::empty);
}

TEST_CASE("bytes of another length are damaged") {
    auto bytes = encode_row(example(), shape(2));
    bytes.pop_back();
    CHECK(decode_row(bytes, shape(2)).condition == RowCondition::damaged);
    CHECK(decode_row({}, shape(2)).condition == RowCondition::damaged);
    CHECK(decode_row(encode_row(example(), shape(2)), shape(3)).condition == RowCondition::damaged);
}

TEST_CASE("long texts are cut at whole characters and marked") {
    RowRecord record = example();
    record.row.outcome.message = std::string(508, 'x') + "\xC3\xA4\xC3\xA4\xC3\xA4";  // the cut would fall inside a character
    record.row.host = std::string(100, 'h');
    const DecodedRow decoded = decode_row(encode_row(record, shape(2)), shape(2));
    REQUIRE(decoded.condition == RowCondition::valid);
    CHECK(decoded.record.row.outcome.message == std::string(508, 'x') + "...");
    CHECK(decoded.record.row.host == std::string(61, 'h') + "...");
    record.row.outcome.message = std::string(kMessageBytes, 'y');
    CHECK(decode_row(encode_row(record, shape(2)), shape(2)).record.row.outcome.message.size() == kMessageBytes);
}

TEST_CASE("a NUL in a text does not end it") {
    RowRecord record = example();
    record.row.outcome.message = std::string("a\0b", 3);
    CHECK(decode_row(encode_row(record, shape(2)), shape(2)).record.row.outcome.message == "a b");
}

TEST_CASE("rows of stages without groups, and of sweeps without groups, have none") {
    RowRecord record = example(0);
    CHECK(decode_row(encode_row(record, shape(4)), shape(4)).record.row.outcome.groups.empty());
    CHECK(decode_row(encode_row(record, shape(0)), shape(0)).condition == RowCondition::valid);
}

TEST_CASE("fields lie one after another without gaps and end with the state") {
    const auto fields = row_fields(shape(4));
    std::size_t offset = 0;
    for (const RowField& field : fields) {
        CHECK(field.offset == offset);
        offset += field.size_bytes;
    }
    CHECK(offset == row_bytes(shape(4)));
    CHECK(fields.back().name == "state");
    CHECK(fields.back().code_names.at(2) == "done");
}
