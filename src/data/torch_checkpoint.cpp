#include "data/torch_checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "data/pickle.hpp"
#include "data/torch_storages.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"

namespace fairsweep {
namespace {

using Kind = PickleValue::Kind;

/// Keys under which training scripts keep the network's state_dict, and how deep they are looked for.
constexpr std::array<const char*, 6> kNestingKeys{"state_dict", "model_state_dict", "model", "network", "net", "backbone"};
constexpr int kMaxNesting = 3;
constexpr std::string_view kModulePrefix = "module.";

/// IEEE 754 binary16 to binary32, exactly.
float float_of_half(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000U) << 16;
    const std::uint32_t exponent = half >> 10 & 0x1fU;
    const std::uint32_t fraction = half & 0x3ffU;
    if (exponent == 0) {  // zero and subnormal: fraction * 2^-24
        const float value = std::ldexp(static_cast<float>(fraction), -24);
        return sign != 0 ? -value : value;
    }
    const std::uint32_t wide = exponent == 31 ? 0xffU : exponent + 112;  // bias 127 - 15
    return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

template <typename T>
T load(const std::byte* at) {
    T value{};
    std::memcpy(&value, at, sizeof value);
    return value;
}

float load_half(const std::byte* at) { return float_of_half(load<std::uint16_t>(at)); }
float load_bfloat16(const std::byte* at) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(at)) << 16);
}
std::int64_t load_bool(const std::byte* at) { return load<std::uint8_t>(at) != 0 ? 1 : 0; }
template <typename T>
std::int64_t load_integer(const std::byte* at) {
    return static_cast<std::int64_t>(load<T>(at));
}

struct Layout {
    std::vector<std::uint64_t> shape;
    std::vector<std::uint64_t> strides;
    std::uint64_t offset = 0;
    std::uint64_t elements = 1;
};

/// Elements in row-major order, wherever the strides put them.
template <typename Out>
std::vector<Out> gather(const std::vector<std::byte>& storage, const Layout& layout, std::uint64_t element_size,
                        Out (*load_one)(const std::byte*)) {
    std::vector<Out> values(static_cast<std::size_t>(layout.elements));
    std::vector<std::uint64_t> place(layout.shape.size(), 0);
    std::uint64_t at = layout.offset;
    for (Out& value : values) {
        value = load_one(storage.data() + at * element_size);
        for (std::size_t d = place.size(); d-- > 0;) {
            at += layout.strides[d];
            if (++place[d] < layout.shape[d]) break;
            at -= layout.strides[d] * layout.shape[d];
            place[d] = 0;
        }
    }
    return values;
}

class Reader {
public:
    Reader(const std::filesystem::path& path, std::unique_ptr<TorchStorages> storages, std::uint64_t budget_bytes)
        : path_(path), storages_(std::move(storages)), values_(storages_->object()), budget_bytes_(budget_bytes) {}

    [[nodiscard]] TorchCheckpoint read() {
        TorchCheckpoint checkpoint;
        checkpoint.format = storages_->format();
        const PickleValue& state = find_state(checkpoint.nested_under);
        if (state.items.size() / 2 > kMaxCheckpointTensors)
            refuse_checkpoint(path_, "", describe(state), fmt::format("at most {} tensors", kMaxCheckpointTensors));
        std::set<std::string> names;
        for (std::size_t i = 0; i + 1 < state.items.size(); i += 2) {
            const PickleValue& key = values_.at(state.items[i]);
            const PickleValue& value = values_.at(state.items[i + 1]);
            if (key.kind != Kind::text) refuse_checkpoint(path_, "a key of the state_dict", describe(key), "a name");
            if (value.kind != Kind::tensor)
                refuse_checkpoint(path_, "'" + printable(key.text) + "'", describe(value), "a tensor, as in every state_dict");
            if (!names.insert(key.text).second)
                refuse_checkpoint(path_, "'" + printable(key.text) + "'", "a name that stands twice", "once");
            checkpoint.tensors.push_back(read_tensor(key.text, value));
        }
        take_off_prefix(checkpoint);
        return checkpoint;
    }

private:
    [[nodiscard]] const PickleValue* entry(const PickleValue& dict, std::string_view name) const {
        for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
            const PickleValue& key = values_.at(dict.items[i]);
            if (key.kind == Kind::text && key.text == name) return &values_.at(dict.items[i + 1]);
        }
        return nullptr;
    }

    [[nodiscard]] bool has_tensor(const PickleValue& dict) const {
        for (std::size_t i = 1; i < dict.items.size(); i += 2)
            if (values_.at(dict.items[i]).kind == Kind::tensor) return true;
        return false;
    }

    [[nodiscard]] const PickleValue& find_state(std::vector<std::string>& nested_under) const {
        const PickleValue* at = &values_.at(values_.root);
        for (int depth = 0; depth <= kMaxNesting; ++depth) {
            if (at->kind != Kind::dict)
                refuse_checkpoint(path_, "", describe(*at), "a dictionary of tensors",
                                  "in Python: torch.save(network.state_dict(), 'weights.pth')");
            if (has_tensor(*at)) return *at;
            const auto nested = std::find_if(kNestingKeys.begin(), kNestingKeys.end(), [&](const char* key) {
                const PickleValue* inside = entry(*at, key);
                return inside != nullptr && inside->kind == Kind::dict;
            });
            if (nested == kNestingKeys.end()) break;
            nested_under.emplace_back(*nested);
            at = entry(*at, *nested);
        }
        std::string keys;
        for (std::size_t i = 0; i + 1 < at->items.size() && i < 12; i += 2)
            keys += (keys.empty() ? "" : ", ") + describe(values_.at(at->items[i]));
        refuse_checkpoint(path_, "", "a dictionary without tensors; its keys: " + (keys.empty() ? "none" : keys),
                          "a state_dict, alone or under \"state_dict\"");
    }

    [[nodiscard]] Layout layout_of(const std::string& name, const PickleValue& tensor, const PickleValue& storage) const {
        Layout layout;
        layout.offset = static_cast<std::uint64_t>(tensor.integer);
        const auto numbers = [this](const PickleValue& tuple) {
            std::vector<std::uint64_t> result;
            for (const PickleIndex item : tuple.items) result.push_back(static_cast<std::uint64_t>(values_.at(item).integer));
            return result;
        };
        const auto refuse = [&](const std::string& found, const std::string& expected) {
            refuse_checkpoint(path_, "tensor " + printable(name), found, expected);
        };
        const PickleValue& shape = values_.at(tensor.items[1]);
        if (shape.items.size() > kMaxTensorDimensions)
            refuse(fmt::format("{} dimensions", shape.items.size()), fmt::format("at most {}", kMaxTensorDimensions));
        layout.shape = numbers(shape);
        layout.strides = numbers(values_.at(tensor.items[2]));
        const auto stored = static_cast<std::uint64_t>(storage.integer);
        std::uint64_t last = layout.offset;
        bool fits = true;
        for (std::size_t d = 0; d < layout.shape.size(); ++d) {
            fits = fits && !__builtin_mul_overflow(layout.elements, layout.shape[d], &layout.elements);
            std::uint64_t step = 0;
            fits = fits && (layout.shape[d] == 0 || (!__builtin_mul_overflow(layout.shape[d] - 1, layout.strides[d], &step) &&
                                                     !__builtin_add_overflow(last, step, &last)));
        }
        // More elements than the storage has: a stride of 0 may claim any number of them.
        if (!fits || layout.elements > stored || (layout.elements > 0 && last >= stored))
            refuse("a tensor that leaves its storage or repeats it",
                   fmt::format("at most the {} elements of its storage", stored));
        return layout;
    }

    [[nodiscard]] CheckpointTensor read_tensor(const std::string& name, const PickleValue& tensor) {
        const PickleValue& storage = values_.at(tensor.items[0]);
        const Layout layout = layout_of(name, tensor, storage);
        CheckpointTensor result{.name = name, .dtype = storage.dtype, .shape = layout.shape, .data = {}};
        // Eight bytes at most for an element; layout_of() bounds the number by what the file has.
        if (layout.elements * sizeof(std::int64_t) > budget_bytes_)
            refuse_checkpoint(path_, "tensor " + printable(name), "more values than the file can justify",
                              fmt::format("at most {} times its bytes", kMaxCheckpointGrowth));
        budget_bytes_ -= layout.elements * sizeof(std::int64_t);
        if (layout.elements == 0) {
            if (storage.dtype == "F64") result.data = std::vector<double>();
            if (storage.dtype[0] == 'I' || storage.dtype[0] == 'U' || storage.dtype == "BOOL")
                result.data = std::vector<std::int64_t>();
            return result;
        }
        const std::vector<std::byte>& bytes = storages_->bytes(storage);
        const std::uint64_t size = element_bytes(storage);
        if (storage.dtype == "F32") result.data = gather<float>(bytes, layout, size, load<float>);
        if (storage.dtype == "F16") result.data = gather<float>(bytes, layout, size, load_half);
        if (storage.dtype == "BF16") result.data = gather<float>(bytes, layout, size, load_bfloat16);
        if (storage.dtype == "F64") result.data = gather<double>(bytes, layout, size, load<double>);
        if (storage.dtype == "I64") result.data = gather<std::int64_t>(bytes, layout, size, load_integer<std::int64_t>);
        if (storage.dtype == "I32") result.data = gather<std::int64_t>(bytes, layout, size, load_integer<std::int32_t>);
        if (storage.dtype == "I16") result.data = gather<std::int64_t>(bytes, layout, size, load_integer<std::int16_t>);
        if (storage.dtype == "I8") result.data = gather<std::int64_t>(bytes, layout, size, load_integer<std::int8_t>);
        if (storage.dtype == "U8") result.data = gather<std::int64_t>(bytes, layout, size, load_integer<std::uint8_t>);
        if (storage.dtype == "BOOL") result.data = gather<std::int64_t>(bytes, layout, size, load_bool);
        return result;
    }

    static void take_off_prefix(TorchCheckpoint& checkpoint) {
        auto& tensors = checkpoint.tensors;
        checkpoint.had_module_prefix = !tensors.empty() && std::all_of(tensors.begin(), tensors.end(), [](const auto& tensor) {
            return tensor.name.starts_with(kModulePrefix) && tensor.name.size() > kModulePrefix.size();
        });
        if (!checkpoint.had_module_prefix) return;
        for (CheckpointTensor& tensor : tensors) tensor.name.erase(0, kModulePrefix.size());
    }

    const std::filesystem::path& path_;
    std::unique_ptr<TorchStorages> storages_;
    const PickledValues& values_;
    std::uint64_t budget_bytes_;  ///< that may still be taken for values
};

}  // namespace

void refuse_checkpoint(const std::filesystem::path& path, const std::string& place, const std::string& found,
                       const std::string& expected, const std::string& hint) {
    throw_data({.attempted = "cannot read a torch checkpoint",
                .where = place.empty() ? path.string() : path.string() + ", " + place,
                .found = found,
                .expected = expected,
                .hint = hint});
}

std::uint64_t element_bytes(const PickleValue& storage) {
    const std::string& dtype = storage.dtype;
    if (dtype == "F64" || dtype == "I64") return 8;
    if (dtype == "F32" || dtype == "I32") return 4;
    return dtype == "F16" || dtype == "BF16" || dtype == "I16" ? 2 : 1;
}

std::uint64_t storage_bytes(const PickleValue& storage, const std::filesystem::path& path) {
    std::uint64_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(storage.integer), element_bytes(storage), &bytes))
        refuse_checkpoint(path, "storage " + printable(storage.text), fmt::format("{} elements", storage.integer), "fewer");
    return bytes;
}

bool looks_like_torch_checkpoint(const std::filesystem::path& path) {
    const File file = File::open_for_reading(path);
    std::array<std::byte, 4> start{};
    if (file.read_at(0, start) < start.size()) return false;
    return std::memcmp(start.data(), "PK\x03\x04", start.size()) == 0 || start[0] == std::byte{0x80};
}

TorchCheckpoint read_torch_checkpoint(const std::filesystem::path& path) {
    const File file = File::open_for_reading(path);
    const std::uint64_t bytes = file.size_bytes();
    if (bytes > kMaxCheckpointBytes)
        refuse_checkpoint(path, "", fmt::format("{} bytes", bytes), fmt::format("at most {}", kMaxCheckpointBytes));
    std::array<std::byte, 2> start{};
    if (file.read_at(0, start) < start.size()) refuse_checkpoint(path, "", fmt::format("{} bytes", bytes), "a checkpoint");
    const bool is_zip = std::memcmp(start.data(), "PK", start.size()) == 0;
    return Reader(path, is_zip ? open_zip_checkpoint(path) : open_legacy_checkpoint(path), kMaxCheckpointGrowth * bytes).read();
}

}  // namespace fairsweep
