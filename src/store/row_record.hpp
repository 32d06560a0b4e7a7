#pragma once
/// The bytes of one row: the same in the HDF5 file (as a compound type) and in a journal record. Pure functions.
/// Layout: the fields that visit_row() names, in its order and without gaps, then crc32c (4 bytes), then state (1 byte).
/// Numbers are little-endian. A row is valid when its state byte is not 0 and the CRC over everything else, followed by
/// the state byte, agrees; writers put the state byte last, so that a row is there as a whole or not at all.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/outcome.hpp"
#include "plan/tasks.hpp"

namespace fairsweep {

/// A row and what the store adds to it.
struct RowRecord {
    Row row;                         ///< outcome.scores is empty
    std::uint64_t sequence = 0;      ///< of the commit, growing over the store's life; the higher one of a stage counts
    std::uint32_t scores_count = 0;  ///< 0: no scores
    std::uint32_t scores_crc32c = 0;
    std::string code_version;  ///< of the program that committed it
};

enum class RowFieldType : std::uint8_t { text, u8_code, u32, i32, u64, f64 };

/// One member of the compound type; `count` > 1: an array over groups.
struct RowField {
    std::string name;
    RowFieldType type{};
    std::size_t offset = 0;
    std::size_t size_bytes = 0;  ///< of the whole field
    std::size_t count = 1;
    bool is_array = false;
    std::vector<std::string> code_names;  ///< u8_code: name of every value, from 0
};

/// What decides the size of a store's rows.
struct RowShape {
    std::uint32_t groups = 0;               ///< that a row has room for; at least one is laid out
    std::span<const FigureColumn> figures;  ///< of the task, whoever keeps them
};

/// Fields of a row in the order of their bytes.
[[nodiscard]] std::vector<RowField> row_fields(const RowShape& shape);
[[nodiscard]] std::size_t row_bytes(const RowShape& shape);

/// Long texts are cut (the message with "..."), at a whole UTF-8 character. Programmer errors: more groups than
/// the shape's, other figures, a state that is never stored.
[[nodiscard]] std::vector<std::byte> encode_row(const RowRecord& record, const RowShape& shape);

enum class RowCondition : std::uint8_t { empty, valid, damaged };
struct DecodedRow {
    RowCondition condition = RowCondition::empty;
    RowRecord record;  ///< meaningful when valid
};
/// Any bytes may come in; those of another length are damaged.
[[nodiscard]] DecodedRow decode_row(std::span<const std::byte> bytes, const RowShape& shape);

/// At most `capacity` bytes of `text`, cut before a whole character and marked with "..." when longer.
[[nodiscard]] std::string cut_text(const std::string& text, std::size_t capacity);

}  // namespace fairsweep
