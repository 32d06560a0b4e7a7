#pragma once
/// Names in other people's files: which bytes are a text, and which texts are one name. ICU does the work.
#include <optional>
#include <string>
#include <string_view>

namespace fairsweep {

/// The text in composed form (Unicode NFC): "e" with a combining accent, as macOS writes file names, becomes one letter.
/// nullopt when the bytes are not UTF-8.
[[nodiscard]] std::optional<std::string> composed_text(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);

/// ASCII letters in lower case, other bytes as they are.
[[nodiscard]] std::string lower_case(std::string_view text);
/// The text without a UTF-8 byte order mark before it.
[[nodiscard]] std::string_view without_byte_order_mark(std::string_view text);
/// A file that Excel and Windows call "Unicode text".
[[nodiscard]] bool looks_like_utf16(std::string_view text);

/// A foreign text for a message: at most 120 bytes; UTF-8 letters as they are, control characters and stray bytes as \xNN.
[[nodiscard]] std::string shown_text(std::string_view text);

}  // namespace fairsweep
