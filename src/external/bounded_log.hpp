#pragma once
/// What a program says, kept within a bound: the beginning as it comes, of the rest the end.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "fairsweep/files.hpp"

namespace fairsweep {

class BoundedLog {
public:
    /// Empties the file. At most `most_bytes` are kept, and one line that says how many were left out.
    BoundedLog(const std::filesystem::path& path, std::uint64_t most_bytes);

    void add(std::string_view text);
    /// Writes what was kept of the end. Nothing may be added after that.
    void finish();
    /// The end of what was said, whole lines where they are short, in one line of at most `most_bytes`; empty: nothing was said.
    [[nodiscard]] std::string last_words(std::size_t most_bytes) const;

private:
    void append(std::string_view text);

    File file_;
    std::uint64_t head_left_;  ///< bytes that are still written as they come
    std::uint64_t tail_bytes_;
    std::string tail_;  ///< the end of what came after the head; trimmed now and then
    std::uint64_t left_out_ = 0;
    std::string recent_;  ///< the end of all
};

}  // namespace fairsweep
