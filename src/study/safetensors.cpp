#include "study/safetensors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/json_depth.hpp"

namespace fairsweep {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kHeaderBytesMax = 16ULL << 20;  // ours need some tens of kB
constexpr std::size_t kDimensionsMax = 8;
constexpr const char* kCrcKey = "data_crc32c";
constexpr const char* kHeaderCrcKey = "header_crc32c";
constexpr std::size_t kCrcDigits = 8;

struct DtypeSize {
    std::string_view word;
    std::uint64_t bytes;
};
constexpr std::array<DtypeSize, 13> kDtypes{{{"F64", 8},
                                             {"I64", 8},
                                             {"U64", 8},
                                             {"F32", 4},
                                             {"I32", 4},
                                             {"U32", 4},
                                             {"F16", 2},
                                             {"BF16", 2},
                                             {"I16", 2},
                                             {"U16", 2},
                                             {"I8", 1},
                                             {"U8", 1},
                                             {"BOOL", 1}}};

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& where, const std::string& found,
                         const std::string& expected) {
    throw_data({.attempted = "cannot read an artefact (safetensors layout)",
                .where = where.empty() ? path.string() : path.string() + ", " + where,
                .found = found,
                .expected = expected,
                .hint = "the file is damaged or of another format; if a sweep wrote it, delete it, and its stage runs again"});
}

/// rows * cols ... * element size, or a refusal when that does not fit.
std::uint64_t checked_bytes(const TensorEntry& entry, const std::filesystem::path& path) {
    std::uint64_t bytes = bytes_of_dtype(entry.dtype);
    for (const std::uint64_t side : entry.shape)
        if (__builtin_mul_overflow(bytes, side, &bytes)) refuse(path, "tensor " + entry.name, "a shape whose size overflows", "");
    return bytes;
}

/// A value in a message; containers by their kind, since printing them recurses.
std::string text_of(const json& value) {
    return value.is_structured() ? std::string("an ") + value.type_name() : value.dump(-1, ' ', true).substr(0, 40);
}

std::uint64_t natural(const json& value, const std::filesystem::path& path, const std::string& where) {
    if (!value.is_number_unsigned()) refuse(path, where, text_of(value), "a whole number, not negative");
    return value.get<std::uint64_t>();
}

TensorEntry parse_entry(const std::string& name, const json& value, std::uint64_t data_bytes, const std::filesystem::path& path) {
    const std::string where = "tensor " + name.substr(0, 120);
    if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets"))
        refuse(path, where, "", "an object with dtype, shape and data_offsets");
    const json& dtype = value["dtype"];
    const json& shape = value["shape"];
    const json& offsets = value["data_offsets"];
    if (!dtype.is_string() || bytes_of_dtype(dtype.get<std::string>()) == 0)
        refuse(path, where, "dtype " + text_of(dtype), "one of F64, F32, F16, BF16, I64 .. U8, BOOL");
    if (!shape.is_array() || shape.size() > kDimensionsMax) refuse(path, where, "a bad shape", "a list of at most 8 sides");
    if (!offsets.is_array() || offsets.size() != 2) refuse(path, where, "bad data_offsets", "[begin, end]");
    TensorEntry entry;
    entry.name = name;
    entry.dtype = dtype.get<std::string>();
    for (const json& side : shape) entry.shape.push_back(natural(side, path, where));
    entry.begin = natural(offsets[0], path, where);
    entry.end = natural(offsets[1], path, where);
    if (entry.begin > entry.end || entry.end > data_bytes)
        refuse(path, where, fmt::format("offsets {} .. {}", entry.begin, entry.end),
               fmt::format("inside {} bytes of data", data_bytes));
    if (entry.end - entry.begin != checked_bytes(entry, path))
        refuse(path, where, fmt::format("{} bytes", entry.end - entry.begin),
               fmt::format("{} bytes by its shape", checked_bytes(entry, path)));
    return entry;
}

/// The tensors must tile the data: no hole, no overlap.
void check_tiling(const SafetensorsHeader& header, std::uint64_t data_bytes, const std::filesystem::path& path) {
    std::vector<const TensorEntry*> order;
    for (const auto& [name, entry] : header.tensors) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](const TensorEntry* a, const TensorEntry* b) {
        return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
    });
    std::uint64_t at = 0;
    for (const TensorEntry* entry : order) {
        if (entry->begin != at)
            refuse(path, "tensor " + entry->name, fmt::format("starts at {}", entry->begin), fmt::format("{}", at));
        at = entry->end;
    }
    if (at != data_bytes) refuse(path, "end of the data", fmt::format("{} bytes", data_bytes), fmt::format("{} bytes", at));
}

/// CRC-32C of the header's bytes, length included, with zeros for the digits of this CRC itself.
std::string header_crc_of(std::string header, std::size_t digits_at) {
    header.replace(digits_at, kCrcDigits, kCrcDigits, '0');
    return fmt::format("{:08x}", crc32c(std::as_bytes(std::span(header.data(), header.size()))));
}

/// Where the digits of the header's CRC begin; npos: it has none, as files of other programs and of our first version. A
/// text inside a JSON string cannot look so: its quotes are escaped.
std::size_t header_crc_at(const std::string& header) {
    const std::string key = fmt::format("\"{}\":\"", kHeaderCrcKey);
    const std::size_t found = header.find(key);
    return found == std::string::npos || header.size() - found - key.size() < kCrcDigits ? std::string::npos : found + key.size();
}

void check_header_crc(std::span<const std::byte> bytes, const std::filesystem::path& path) {
    const std::string header(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::size_t at = header_crc_at(header);
    if (at == std::string::npos) return;
    const std::string found = header_crc_of(header, at);
    if (header.compare(at, kCrcDigits, found) != 0) refuse(path, "header", "CRC-32C " + found, header.substr(at, kCrcDigits));
}

std::uint64_t read_length(std::span<const std::byte> start) {
    std::uint64_t length = 0;
    for (std::size_t i = kLengthBytes; i > 0; --i) length = length << 8 | std::to_integer<std::uint64_t>(start[i - 1]);
    return length;
}

}  // namespace

std::uint64_t bytes_of_dtype(std::string_view dtype) {
    for (const DtypeSize& known : kDtypes)
        if (known.word == dtype) return known.bytes;
    return 0;
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> start, std::uint64_t file_bytes,
                                           const std::filesystem::path& path) {
    if (start.size() < kLengthBytes || file_bytes < kLengthBytes)
        refuse(path, "header length", fmt::format("a file of {} bytes", file_bytes), "at least 8 bytes");
    const std::uint64_t length = read_length(start);
    if (length > kHeaderBytesMax || length > start.size() - kLengthBytes || length > file_bytes - kLengthBytes)
        refuse(path, "header length", fmt::format("{} bytes", length),
               fmt::format("at most {}", std::min(kHeaderBytesMax, file_bytes - kLengthBytes)));
    const std::string_view text(reinterpret_cast<const char*>(start.data()) + kLengthBytes, length);
    if (const std::size_t depth = json_depth(text); depth > kMaxJsonDepth)
        refuse(path, "header", fmt::format("arrays and objects {} deep", depth), fmt::format("at most {}", kMaxJsonDepth));
    const json document = json::parse(text, nullptr, false);
    if (!document.is_object()) refuse(path, "header", "", "a JSON object");
    SafetensorsHeader header;
    header.data_begin = kLengthBytes + length;
    const std::uint64_t data_bytes = file_bytes - header.data_begin;
    for (const auto& [name, value] : document.items()) {
        if (name != "__metadata__") {
            header.tensors.emplace(name, parse_entry(name, value, data_bytes, path));
            continue;
        }
        if (!value.is_object()) refuse(path, "__metadata__", "", "an object of strings");
        for (const auto& [key, word] : value.items()) {
            if (!word.is_string()) refuse(path, "__metadata__ " + key.substr(0, 120), "", "a string");
            header.metadata.emplace(key, word.get<std::string>());
        }
    }
    check_tiling(header, data_bytes, path);
    return header;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path) {
    const File file = File::open_for_reading(path);
    mapped_bytes_ = file.size_bytes();
    if (mapped_bytes_ < kLengthBytes) refuse(path, "", fmt::format("a file of {} bytes", mapped_bytes_), "at least 8 bytes");
    void* address = ::mmap(nullptr, mapped_bytes_, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (address == MAP_FAILED)
        throw_infrastructure({.attempted = "cannot map a file into memory",
                              .where = path.string(),
                              .found = describe_errno(errno),
                              .expected = "",
                              .hint = ""});
    mapped_ = static_cast<std::byte*>(address);
    try {
        const std::span<const std::byte> all(mapped_, mapped_bytes_);
        header_ = parse_safetensors_header(all, mapped_bytes_, path);
        check_header_crc(all.first(header_.data_begin), path);
        const auto crc = header_.metadata.find(kCrcKey);  // absent in files of other programs
        if (crc != header_.metadata.end()) {
            const std::string found = fmt::format("{:08x}", crc32c(all.subspan(header_.data_begin)));
            if (found != crc->second) refuse(path, "data", "CRC-32C " + found, crc->second);
        }
    } catch (...) {
        ::munmap(mapped_, mapped_bytes_);
        throw;
    }
}

SafetensorsFile::SafetensorsFile(SafetensorsFile&& other) noexcept
    : path_(std::move(other.path_)),
      header_(std::move(other.header_)),
      mapped_(std::exchange(other.mapped_, nullptr)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)) {}

SafetensorsFile::~SafetensorsFile() {
    if (mapped_ != nullptr) ::munmap(mapped_, mapped_bytes_);
}

const std::string& SafetensorsFile::metadata(const std::string& key) const {
    const auto found = header_.metadata.find(key);
    if (found == header_.metadata.end()) refuse(path_, "__metadata__", "no key " + key, "a file that fairsweep wrote");
    return found->second;
}

const TensorEntry& SafetensorsFile::require(const std::string& name, const std::string& dtype, std::size_t dimensions) const {
    const auto found = header_.tensors.find(name);
    if (found == header_.tensors.end()) refuse(path_, "tensor " + name, "no such tensor", "");
    const TensorEntry& entry = found->second;
    if (entry.dtype != dtype || entry.shape.size() != dimensions)
        refuse(path_, "tensor " + name, fmt::format("{} of {} dimensions", entry.dtype, entry.shape.size()),
               fmt::format("{} of {} dimensions", dtype, dimensions));
    return entry;
}

std::span<const std::byte> SafetensorsFile::bytes(const TensorEntry& entry) const {
    return std::span<const std::byte>(mapped_, mapped_bytes_).subspan(header_.data_begin + entry.begin, entry.end - entry.begin);
}

SafetensorsWriter::SafetensorsWriter(std::filesystem::path path, SafetensorsPlan plan)
    : path_(std::move(path)), beside_(name_beside(path_)), plan_(std::move(plan)) {
    for (TensorEntry& entry : plan_.tensors) {
        FAIRSWEEP_CHECK(bytes_of_dtype(entry.dtype) != 0, "write a tensor of an unknown dtype");
        entry.begin = data_bytes_;
        data_bytes_ += checked_bytes(entry, path_);
        entry.end = data_bytes_;
    }
    // The CRC has a fixed width: the real header has the same length and replaces this one at the end.
    const std::string header = header_text(0);
    data_begin_ = header.size();
    file_ = File::create_new(beside_);
    file_.write_at(0, std::as_bytes(std::span(header)));
}

SafetensorsWriter::~SafetensorsWriter() {
    if (!finished_) ::unlink(beside_.c_str());
}

std::string SafetensorsWriter::header_text(std::uint32_t crc) const {
    json document = json::object();
    document["__metadata__"] = plan_.metadata;
    document["__metadata__"][kCrcKey] = fmt::format("{:08x}", crc);
    document["__metadata__"][kHeaderCrcKey] = std::string(kCrcDigits, '0');
    for (const TensorEntry& entry : plan_.tensors)
        document[entry.name] = {{"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
    std::string text = document.dump();
    text.append((64 - (text.size() + kLengthBytes) % 64) % 64, ' ');  // data start aligned for whoever maps them
    std::string length(kLengthBytes, '\0');
    for (std::size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
    std::string header = length + text;
    const std::size_t at = header_crc_at(header);
    return header.replace(at, kCrcDigits, header_crc_of(header, at));
}

void SafetensorsWriter::append(std::span<const std::byte> data) {
    FAIRSWEEP_CHECK(data.size() <= data_bytes_ - written_bytes_, "append more data than planned");
    file_.write_at(data_begin_ + written_bytes_, data);
    written_bytes_ += data.size();
    crc_ = crc32c(data, crc_);
}

SafetensorsWriter::Written SafetensorsWriter::finish() {
    FAIRSWEEP_CHECK(written_bytes_ == data_bytes_, "finish a file before all planned data were written");
    const std::string header = header_text(crc_);
    file_.write_at(0, std::as_bytes(std::span(header)));
    file_.sync();
    file_.close();
    const Digest digest = sha256_of_file(beside_);
    if (::rename(beside_.c_str(), path_.c_str()) != 0)
        throw_infrastructure({.attempted = "cannot rename a finished artefact into place",
                              .where = path_.string(),
                              .found = describe_errno(errno),
                              .expected = "",
                              .hint = ""});
    finished_ = true;
    sync_folder(path_.has_parent_path() ? path_.parent_path() : std::filesystem::path("."));
    return {digest, data_begin_ + data_bytes_};
}

}  // namespace fairsweep
