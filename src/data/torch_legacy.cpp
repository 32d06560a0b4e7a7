/// The format of torch.save before torch 1.6: five pickles, then the storages.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "data/torch_checkpoint.hpp"
#include "data/torch_storages.hpp"
#include "fairsweep/files.hpp"

namespace fairsweep {
namespace {

/// 0x1950a86a20f9469cfc6c, little-endian as the pickle has it (torch/serialization.py, MAGIC_NUMBER).
constexpr std::array<std::uint8_t, 10> kMagic{0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
constexpr std::int64_t kProtocol = 1001;
constexpr std::uint64_t kCountBytes = 8;

using Kind = PickleValue::Kind;

class LegacyStorages final : public TorchStorages {
public:
    explicit LegacyStorages(const std::filesystem::path& path)
        : path_(path), file_(File::open_for_reading(path)), size_bytes_(file_.size_bytes()) {
        head_.resize(static_cast<std::size_t>(std::min(size_bytes_, kMaxPickleBytes)));
        file_.read_exactly_at(0, head_);
        const PickledValues magic = next("magic number");
        const PickleValue& number = magic.at(magic.root);
        const bool is_magic = number.kind == Kind::big_integer && number.text.size() == kMagic.size() &&
                              std::equal(kMagic.begin(), kMagic.end(), number.text.begin(),
                                         [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
        if (!is_magic)
            refuse_checkpoint(path, "byte 0", "a pickle of " + describe(number), "what torch.save writes",
                              "weights are read from .pth (a state_dict), .safetensors and fairsweep's own checkpoints");
        const PickledValues protocol = next("protocol");
        if (protocol.at(protocol.root).integer != kProtocol)
            refuse_checkpoint(path, "protocol", describe(protocol.at(protocol.root)), fmt::format("{}", kProtocol));
        check_system(next("system"));
        object_ = next("object");
        const PickledValues keys = next("storage keys");
        head_ = {};
        find_storages(keys);
    }

    [[nodiscard]] std::string format() const override { return "legacy"; }
    [[nodiscard]] const PickledValues& object() const override { return object_; }

    [[nodiscard]] const std::vector<std::byte>& bytes(const PickleValue& storage) override {
        const auto place = places_.find(storage.text);
        if (place == places_.end())
            refuse_checkpoint(path_, "storage " + printable(storage.text), "no such storage", "every storage that a tensor uses");
        const std::uint64_t expected = storage_bytes(storage, path_);
        if (place->second.size_bytes != expected)
            refuse_checkpoint(path_, fmt::format("offset {}", place->second.offset), "a storage used as two sizes", "one");
        auto& bytes = storages_[storage.text];
        if (bytes.size() != expected) {
            bytes.resize(static_cast<std::size_t>(expected));
            file_.read_exactly_at(place->second.offset, bytes);
        }
        return bytes;
    }

private:
    struct Place {
        std::uint64_t offset = 0;
        std::uint64_t size_bytes = 0;
    };

    [[nodiscard]] PickledValues next(const char* what) {
        const auto rest = std::span<const std::byte>(head_).subspan(static_cast<std::size_t>(at_));
        PickledValues values = read_pickle(rest, fmt::format("{}, {} (a pickle at offset {})", path_.string(), what, at_));
        at_ += values.end;
        return values;
    }

    void check_system(const PickledValues& system) const {
        const PickleValue& root = system.at(system.root);
        if (root.kind != Kind::dict) refuse_checkpoint(path_, "system", describe(root), "a dict");
        for (std::size_t i = 0; i + 1 < root.items.size(); i += 2)
            if (system.at(root.items[i]).text == "little_endian" && system.at(root.items[i + 1]).integer == 0)
                refuse_checkpoint(path_, "system", "a file of a big-endian machine", "a little-endian one");
    }

    /// Walks over the storages: each must be as long as the object says, and all must lie in the file.
    void find_storages(const PickledValues& keys) {
        std::map<std::string, const PickleValue*> used;
        for (const PickleValue& value : object_.values)
            if (value.kind == Kind::storage) used.emplace(value.text, &value);
        const PickleValue& list = keys.at(keys.root);
        if (list.kind != Kind::list) refuse_checkpoint(path_, "storage keys", describe(list), "a list");
        for (const PickleIndex index : list.items) {
            const PickleValue& key = keys.at(index);
            const auto storage = used.find(key.text);
            if (key.kind != Kind::text || storage == used.end())
                refuse_checkpoint(path_, "storage keys", describe(key), "storages that the object uses");
            std::array<std::byte, kCountBytes> raw{};
            if (size_bytes_ - at_ < kCountBytes) refuse_end(key.text);
            file_.read_exactly_at(at_, raw);
            std::uint64_t count = 0;
            for (std::size_t i = raw.size(); i-- > 0;) count = count << 8 | std::to_integer<std::uint64_t>(raw[i]);
            if (count != static_cast<std::uint64_t>(storage->second->integer))
                refuse_checkpoint(path_, fmt::format("offset {}, storage {}", at_, printable(key.text)),
                                  fmt::format("{} elements", count), fmt::format("{}", storage->second->integer));
            at_ += kCountBytes;
            const std::uint64_t bytes = storage_bytes(*storage->second, path_);
            if (bytes > size_bytes_ - at_) refuse_end(key.text);
            if (!places_.emplace(key.text, Place{at_, bytes}).second)
                refuse_checkpoint(path_, "storage keys", "a storage that stands twice: " + printable(key.text), "once each");
            at_ += bytes;
        }
    }

    [[noreturn]] void refuse_end(const std::string& key) const {
        refuse_checkpoint(path_, fmt::format("offset {}, storage {}", at_, printable(key)), "the end of the file",
                          "all its elements", "the file is cut short");
    }

    std::filesystem::path path_;
    File file_;
    std::uint64_t size_bytes_ = 0;
    std::vector<std::byte> head_;  ///< the start of the file, while pickles are read
    std::uint64_t at_ = 0;
    PickledValues object_;
    std::map<std::string, Place> places_;
    std::map<std::string, std::vector<std::byte>> storages_;
};

}  // namespace

std::unique_ptr<TorchStorages> open_legacy_checkpoint(const std::filesystem::path& path) {
    return std::make_unique<LegacyStorages>(path);
}

}  // namespace fairsweep
