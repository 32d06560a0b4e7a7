#include "data/record_index.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <iterator>
#include <string_view>

#include "data/damage.hpp"
#include "data/jpeg.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;
constexpr std::size_t kShortestLineBytes = 4;  // "0\t0\n"
constexpr std::size_t kLongestLineBytes = 256;
// Lines of sets of millions of images take about 20 bytes, so their list is never moved to a larger place.
constexpr std::size_t kLineBytesOfMillions = 16;

class IndexParser {
public:
    IndexParser(const std::filesystem::path& path, std::uint64_t file_bytes)
        : path_(path), key_bound_(file_bytes / kShortestLineBytes + 1) {}

    void take_line(std::string_view line) {
        ++line_;
        const char* const end = line.data() + line.size();
        std::uint64_t key = 0;
        std::uint64_t offset = 0;
        const auto key_end = std::from_chars(line.data(), end, key);
        const char* at = key_end.ptr;
        while (at != end && (*at == '\t' || *at == ' ')) ++at;
        const auto offset_end = std::from_chars(at, end, offset);
        const bool good = key_end.ec == std::errc() && at != key_end.ptr && offset_end.ec == std::errc() &&
                          trim({offset_end.ptr, static_cast<std::size_t>(end - offset_end.ptr)}).empty();
        if (!good) {
            if (trim(line).empty()) return;
            damaged(std::string(line.substr(0, 80)), "key TAB offset");
        }
        if (key >= key_bound_)
            damaged(fmt::format("key {}", key), fmt::format("keys below {}: they count the records from 0", key_bound_));
        if (offset == kNoOffset) damaged(fmt::format("offset {}", offset), "an offset inside the .rec");
        if (key >= offsets.size()) offsets.resize(key + 1, kNoOffset);
        if (offsets[key] != kNoOffset) damaged(fmt::format("key {} again", key), "every key once");
        offsets[key] = offset;
    }

    [[noreturn]] void line_too_long() {
        ++line_;
        damaged(fmt::format("a line of more than {} bytes", kLongestLineBytes), "key TAB offset");
    }

    std::vector<std::uint64_t> offsets;

private:
    [[noreturn]] void damaged(std::string found, std::string expected) const {
        throw_damaged({.file = path_, .offset = {}, .line = line_},
                      {.attempted = "cannot read a RecordIO index", .found = std::move(found), .expected = std::move(expected)});
    }

    std::filesystem::path path_;
    std::uint64_t key_bound_;
    std::uint64_t line_ = 0;
};

}  // namespace

std::vector<std::uint64_t> read_record_index(const std::filesystem::path& path) {
    const File file = File::open_for_reading(path);
    IndexParser parser(path, file.size_bytes());
    parser.offsets.reserve(file.size_bytes() / kLineBytesOfMillions);
    std::vector<char> buffer(kChunkBytes);
    std::size_t kept = 0;  // the start of a line whose end is not read yet
    for (std::uint64_t offset = 0;;) {
        const std::size_t got = file.read_at(offset, std::as_writable_bytes(std::span(buffer).subspan(kept)));
        offset += got;
        const std::string_view text(buffer.data(), kept + got);
        std::size_t begin = 0;
        for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', begin)) {
            parser.take_line(text.substr(begin, end - begin));
            begin = end + 1;
        }
        kept = text.size() - begin;
        if (got == 0) {
            if (kept > 0) parser.take_line(text.substr(begin));
            return std::move(parser.offsets);
        }
        if (kept > kLongestLineBytes) parser.line_too_long();
        std::memmove(buffer.data(), buffer.data() + begin, kept);
    }
}

void write_record_index(const std::filesystem::path& path, std::span<const IndexEntry> entries) {
    std::string text;
    text.reserve(entries.size() * 18);
    for (const IndexEntry& entry : entries) fmt::format_to(std::back_inserter(text), "{}\t{}\n", entry.key, entry.offset);
    write_file_atomically(path, text);
}

RecordProperty read_record_property(const std::filesystem::path& path) {
    std::string text = read_text_file(path, 4096);
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);  // a byte order mark, as editors of Windows write it
    const std::vector<std::string> fields = split(trim(text), ',');
    RecordProperty property;
    const auto number = [](const std::string& padded, auto& value) {
        const std::string field(trim(padded));
        const auto result = std::from_chars(field.data(), field.data() + field.size(), value);
        return result.ec == std::errc() && result.ptr == field.data() + field.size();
    };
    const bool good = fields.size() == 3 && number(fields[0], property.identities) && number(fields[1], property.rows) &&
                      number(fields[2], property.cols) && property.identities > 0 && property.rows > 0 && property.cols > 0 &&
                      property.rows <= kMaxImageSide && property.cols <= kMaxImageSide;
    if (!good) {
        throw_damaged({.file = path, .offset = {}, .line = 1}, {.attempted = "cannot read the property file of a training set",
                                                                .found = std::string(trim(text).substr(0, 80)),
                                                                .expected = "identities,rows,cols such as 93431,112,112"});
    }
    return property;
}

void write_record_property(const std::filesystem::path& path, const RecordProperty& property) {
    write_file_atomically(path, fmt::format("{},{},{}\n", property.identities, property.rows, property.cols));
}

}  // namespace fairsweep
