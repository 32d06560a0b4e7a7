/// The zip format of torch.save, by libzip. Entries are stored as they are, so no entry can be larger than the file.
#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "data/torch_checkpoint.hpp"
#include "data/torch_storages.hpp"
#include "fairsweep/files.hpp"

namespace fairsweep {
namespace {

constexpr zip_int64_t kMaxEntries = 2 * static_cast<zip_int64_t>(kMaxCheckpointTensors);
constexpr std::uint64_t kMaxSmallEntryBytes = 64;  // byteorder, version

std::uint64_t number_at(std::span<const std::byte> bytes, std::size_t at, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
    return value;
}

/// Entries by the zip64 record whose locator ends at `locator_end` of `tail`; 0 when there is none.
std::uint64_t zip64_entries(const File& file, std::span<const std::byte> tail, std::size_t locator_end) {
    constexpr std::size_t kLocatorBytes = 20, kRecordBytes = 56;
    if (locator_end < kLocatorBytes || number_at(tail, locator_end - kLocatorBytes, 4) != 0x07064b50) return 0;
    std::vector<std::byte> record(kRecordBytes);
    const bool whole = file.read_at(number_at(tail, locator_end - kLocatorBytes + 8, 8), record) == record.size();
    return whole && number_at(record, 0, 4) == 0x06064b50 ? number_at(record, 32, 8) : 0;
}

/// The most entries that an end of a directory in the file claims (APPNOTE.TXT, 4.3.14 to 4.3.16): libzip takes memory for
/// each before it says how many there are.
std::uint64_t claimed_entries(const File& file) {
    constexpr std::size_t kEndBytes = 22, kCommentBytes = 65535;
    const std::uint64_t size = file.size_bytes();
    std::vector<std::byte> tail(std::min<std::uint64_t>(size, kEndBytes + kCommentBytes));
    file.read_exactly_at(size - tail.size(), tail);
    std::uint64_t most = 0;
    for (std::size_t at = 0; at + kEndBytes <= tail.size(); ++at) {
        if (number_at(tail, at, 4) != 0x06054b50) continue;
        const std::uint64_t entries = number_at(tail, at + 10, 2);
        most = std::max({most, entries, entries == 0xffff ? zip64_entries(file, tail, at) : 0});
    }
    return most;
}

class ZipStorages final : public TorchStorages {
public:
    explicit ZipStorages(const std::filesystem::path& path) : path_(path) {
        const std::uint64_t claimed = claimed_entries(File::open_for_reading(path));
        if (claimed > static_cast<std::uint64_t>(kMaxEntries)) refuse_entries(claimed);
        int code = 0;
        archive_ = zip_open(path.c_str(), ZIP_RDONLY, &code);
        if (archive_ == nullptr) {
            zip_error_t error;
            zip_error_init_with_code(&error, code);
            const std::string reason = zip_error_strerror(&error);
            zip_error_fini(&error);
            refuse_checkpoint(path, "", "a zip archive that cannot be opened: " + reason, "a whole archive");
        }
        try {
            read_directory(std::filesystem::file_size(path));
            read_object();
        } catch (...) {
            zip_discard(archive_);
            throw;
        }
    }
    ~ZipStorages() override { zip_discard(archive_); }
    ZipStorages(const ZipStorages&) = delete;
    ZipStorages& operator=(const ZipStorages&) = delete;

    [[nodiscard]] std::string format() const override { return "zip"; }
    [[nodiscard]] const PickledValues& object() const override { return object_; }

    [[nodiscard]] const std::vector<std::byte>& bytes(const PickleValue& storage) override {
        const auto known = storages_.find(storage.text);
        if (known != storages_.end()) {
            if (known->second.size() != storage_bytes(storage, path_)) refuse_size(storage, known->second.size());
            return known->second;
        }
        const auto entry = entries_.find(folder_ + "data/" + storage.text);
        if (entry == entries_.end())
            refuse_checkpoint(path_, printable(folder_ + "data/" + storage.text), "no such entry in the archive",
                              "every storage that data.pkl names");
        if (entry->second.size_bytes != storage_bytes(storage, path_)) refuse_size(storage, entry->second.size_bytes);
        return storages_.emplace(storage.text, read(entry->first, entry->second)).first->second;
    }

private:
    struct Entry {
        zip_uint64_t index = 0;
        std::uint64_t size_bytes = 0;
    };

    [[noreturn]] void refuse_entries(std::uint64_t count) const {
        refuse_checkpoint(path_, "", fmt::format("{} entries", count), fmt::format("at most {}", kMaxEntries));
    }

    [[noreturn]] void refuse_size(const PickleValue& storage, std::uint64_t found_bytes) const {
        refuse_checkpoint(
            path_, printable(folder_ + "data/" + storage.text), fmt::format("{} bytes", found_bytes),
            fmt::format("{} bytes: {} elements of {}", storage_bytes(storage, path_), storage.integer, storage.dtype));
    }

    void refuse_torchscript(zip_int64_t count) const {
        for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(std::max<zip_int64_t>(count, 0)); ++i) {
            const char* name = zip_get_name(archive_, i, ZIP_FL_ENC_RAW);
            if (name != nullptr && std::string_view(name).ends_with("/constants.pkl"))
                refuse_checkpoint(path_, printable(name), "a TorchScript archive", "a state_dict",
                                  "in Python: torch.save(torch.jit.load(file).state_dict(), 'weights.pth')");
        }
    }

    /// Names, sizes and storage of every entry; what they claim together must fit into the file.
    void read_directory(std::uint64_t file_bytes) {
        const zip_int64_t count = zip_get_num_entries(archive_, 0);
        if (count > kMaxEntries) refuse_entries(static_cast<std::uint64_t>(count));
        refuse_torchscript(count);
        std::uint64_t left_bytes = file_bytes;
        for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(std::max<zip_int64_t>(count, 0)); ++i) {
            zip_stat_t stat;
            constexpr auto kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
            if (zip_stat_index(archive_, i, ZIP_FL_ENC_RAW, &stat) != 0 || (stat.valid & kNeeded) != kNeeded)
                refuse_checkpoint(path_, fmt::format("entry {}", i), "an entry without name or size", "a whole archive");
            const bool is_encrypted = (stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE;
            if (stat.comp_method != ZIP_CM_STORE || stat.size != stat.comp_size || is_encrypted)
                refuse_checkpoint(path_, printable(stat.name), "a compressed or encrypted entry",
                                  "entries stored as they are, as torch.save writes them", "unpack the archive and save it anew");
            if (stat.size > left_bytes)
                refuse_checkpoint(path_, printable(stat.name), fmt::format("an entry of {} bytes", stat.size),
                                  fmt::format("at most {}, which the file has left", left_bytes));
            left_bytes -= stat.size;
            if (!entries_.emplace(stat.name, Entry{i, stat.size}).second)
                refuse_checkpoint(path_, printable(stat.name), "an entry that is there twice", "one");
        }
    }

    [[nodiscard]] std::vector<std::byte> read(const std::string& name, const Entry& entry) const {
        zip_file_t* file = zip_fopen_index(archive_, entry.index, 0);
        if (file == nullptr) refuse_checkpoint(path_, printable(name), zip_strerror(archive_), "an entry that can be read");
        std::vector<std::byte> bytes(static_cast<std::size_t>(entry.size_bytes));
        std::uint64_t done = 0;
        zip_int64_t got = 1;
        while (done < bytes.size() && (got = zip_fread(file, bytes.data() + done, bytes.size() - done)) > 0)
            done += static_cast<std::uint64_t>(got);
        // Reading past the end makes libzip compare the checksum.
        std::byte past{};
        if (done == bytes.size()) got = zip_fread(file, &past, 1);
        const std::string reason = zip_file_strerror(file);
        zip_fclose(file);
        if (done != bytes.size() || got != 0)
            refuse_checkpoint(path_, printable(name), got < 0 ? reason : fmt::format("{} bytes", done),
                              fmt::format("{} bytes with the archive's checksum", bytes.size()),
                              "the file is damaged or cut short");
        return bytes;
    }

    void read_object() {
        const auto is_object = [](const auto& entry) { return entry.first == "data.pkl" || entry.first.ends_with("/data.pkl"); };
        const auto found = std::find_if(entries_.begin(), entries_.end(), is_object);
        if (found == entries_.end()) refuse_checkpoint(path_, "", "a zip archive without data.pkl", "what torch.save writes");
        folder_ = found->first.substr(0, found->first.size() - std::string("data.pkl").size());
        const auto order = entries_.find(folder_ + "byteorder");
        if (order != entries_.end() && order->second.size_bytes <= kMaxSmallEntryBytes) {
            const std::vector<std::byte> text = read(order->first, order->second);
            const std::string word(reinterpret_cast<const char*>(text.data()), text.size());
            if (word != "little") refuse_checkpoint(path_, printable(order->first), printable(word), "little");
        }
        if (found->second.size_bytes > kMaxPickleBytes)
            refuse_checkpoint(path_, printable(found->first), fmt::format("{} bytes", found->second.size_bytes),
                              fmt::format("at most {}", kMaxPickleBytes));
        object_ = read_pickle(read(found->first, found->second), path_.string() + ", " + printable(found->first));
    }

    std::filesystem::path path_;
    zip_t* archive_ = nullptr;
    std::map<std::string, Entry> entries_;
    std::string folder_;  ///< "archive/"
    PickledValues object_;
    std::map<std::string, std::vector<std::byte>> storages_;
};

}  // namespace

std::unique_ptr<TorchStorages> open_zip_checkpoint(const std::filesystem::path& path) {
    return std::make_unique<ZipStorages>(path);
}

}  // namespace fairsweep
