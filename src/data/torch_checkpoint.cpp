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

}  // namespace

class TorchCheckpoint::Reader {
public:
    Reader(const std::filesystem::path& path, std::unique_ptr<TorchStorages> storages, std::uint64_t budget_bytes)
        : path_(path),
          storages_(std::move(storages)),
          format_(storages_->format()),
          values_(storages_->object()),
          budget_bytes_(budget_bytes) {
        collect(values_.root, {});
        if (states_.empty()) refuse_without_tensors();
    }
    [[nodiscard]] const std::string& format() const { return format_; }
    [[nodiscard]] const std::vector<TorchState>& states() const { return states_; }
    [[nodiscard]] TorchValues values(std::size_t state, std::size_t tensor) {
        return read_tensor(states_.at(state).tensors.at(tensor).name, values_.at(places_.at(state).at(tensor)));
    }

private:
    /// Takes down every dictionary with tensors from `index` on. A container that is reached twice is taken once: so a pickle
    /// that contains itself ends, and one dictionary under two names is no choice.
    void collect(PickleIndex index, const std::vector<std::string>& path) {
        const PickleValue& value = values_.at(index);
        const bool is_list = value.kind == Kind::list || value.kind == Kind::tuple;
        if ((value.kind != Kind::dict && !is_list) || path.size() > kMaxCheckpointNesting || !seen_.insert(index).second) return;
        if (value.kind == Kind::dict) add_state(value, path);
        for (std::size_t i = 0; i < value.items.size(); i += is_list ? 1 : 2) {
            std::vector<std::string> inside = path;
            inside.push_back(is_list ? std::to_string(i) : key_text(values_.at(value.items[i])));
            collect(value.items[is_list ? i : i + 1], inside);
        }
    }

    [[nodiscard]] static std::string key_text(const PickleValue& key) {
        if (key.kind == Kind::text) return printable(key.text);
        return key.kind == Kind::integer ? std::to_string(key.integer) : describe(key);
    }

    void add_state(const PickleValue& dict, const std::vector<std::string>& path) {
        TorchState state{.nested_under = path, .tensors = {}};
        std::vector<PickleIndex> places;
        std::set<std::string> names;
        for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
            const PickleValue& key = values_.at(dict.items[i]);
            const PickleValue& value = values_.at(dict.items[i + 1]);
            if (key.kind != Kind::text || value.kind != Kind::tensor) continue;
            if (!names.insert(key.text).second)
                refuse_checkpoint(path_, "'" + printable(key.text) + "'", "a name that stands twice", "once");
            state.tensors.push_back(
                {.name = key.text, .dtype = values_.at(value.items[0]).dtype, .shape = numbers(values_.at(value.items[1]))});
            places.push_back(dict.items[i + 1]);
        }
        if (names.size() > kMaxCheckpointTensors)
            refuse_checkpoint(path_, "", describe(dict), fmt::format("at most {} tensors", kMaxCheckpointTensors));
        if (names.empty()) return;
        states_.push_back(std::move(state));
        places_.push_back(std::move(places));
    }

    [[noreturn]] void refuse_without_tensors() const {
        const PickleValue& root = values_.at(values_.root);
        if (root.kind != Kind::dict)
            refuse_checkpoint(path_, "", describe(root), "a dictionary of tensors",
                              "in Python: torch.save(network.state_dict(), 'weights.pth')");
        std::string keys;
        for (std::size_t i = 0; i + 1 < root.items.size() && i < 12; i += 2)
            keys += (keys.empty() ? "" : ", ") + describe(values_.at(root.items[i]));
        refuse_checkpoint(path_, "", "a dictionary without tensors; its keys: " + (keys.empty() ? "none" : keys),
                          "a state_dict, alone or in a dictionary such as {\"state_dict\": ...}");
    }

    [[nodiscard]] std::vector<std::uint64_t> numbers(const PickleValue& tuple) const {
        std::vector<std::uint64_t> result;
        for (const PickleIndex item : tuple.items) result.push_back(static_cast<std::uint64_t>(values_.at(item).integer));
        return result;
    }

    [[nodiscard]] Layout layout_of(const std::string& name, const PickleValue& tensor, const PickleValue& storage) const {
        Layout layout;
        layout.offset = static_cast<std::uint64_t>(tensor.integer);
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

    [[nodiscard]] TorchValues read_tensor(const std::string& name, const PickleValue& tensor) {
        const PickleValue& storage = values_.at(tensor.items[0]);
        const Layout layout = layout_of(name, tensor, storage);
        TorchValues result;
        // Eight bytes at most for an element; layout_of() bounds the number by what the file has.
        if (layout.elements * sizeof(std::int64_t) > budget_bytes_)
            refuse_checkpoint(path_, "tensor " + printable(name), "more values than the file can justify",
                              fmt::format("at most {} times its bytes", kMaxCheckpointGrowth));
        budget_bytes_ -= layout.elements * sizeof(std::int64_t);
        if (layout.elements == 0) {
            if (storage.dtype == "F64") result = std::vector<double>();
            if (storage.dtype[0] == 'I' || storage.dtype[0] == 'U' || storage.dtype == "BOOL")
                result = std::vector<std::int64_t>();
            return result;
        }
        const std::vector<std::byte>& bytes = storages_->bytes(storage);
        const std::uint64_t size = element_bytes(storage);
        if (storage.dtype == "F32") result = gather<float>(bytes, layout, size, load<float>);
        if (storage.dtype == "F16") result = gather<float>(bytes, layout, size, load_half);
        if (storage.dtype == "BF16") result = gather<float>(bytes, layout, size, load_bfloat16);
        if (storage.dtype == "F64") result = gather<double>(bytes, layout, size, load<double>);
        if (storage.dtype == "I64") result = gather<std::int64_t>(bytes, layout, size, load_integer<std::int64_t>);
        if (storage.dtype == "I32") result = gather<std::int64_t>(bytes, layout, size, load_integer<std::int32_t>);
        if (storage.dtype == "I16") result = gather<std::int64_t>(bytes, layout, size, load_integer<std::int16_t>);
        if (storage.dtype == "I8") result = gather<std::int64_t>(bytes, layout, size, load_integer<std::int8_t>);
        if (storage.dtype == "U8") result = gather<std::int64_t>(bytes, layout, size, load_integer<std::uint8_t>);
        if (storage.dtype == "BOOL") result = gather<std::int64_t>(bytes, layout, size, load_bool);
        return result;
    }

    std::filesystem::path path_;
    std::unique_ptr<TorchStorages> storages_;
    std::string format_;
    const PickledValues& values_;
    std::uint64_t budget_bytes_;  ///< that may still be taken for values
    std::vector<TorchState> states_;
    std::vector<std::vector<PickleIndex>> places_;  ///< by state: where its tensors are among the values
    std::set<PickleIndex> seen_;                    ///< containers
};

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

TorchCheckpoint::TorchCheckpoint(const std::filesystem::path& path) {
    const File file = File::open_for_reading(path);
    const std::uint64_t bytes = file.size_bytes();
    if (bytes > kMaxCheckpointBytes)
        refuse_checkpoint(path, "", fmt::format("{} bytes", bytes), fmt::format("at most {}", kMaxCheckpointBytes));
    std::array<std::byte, 2> start{};
    if (file.read_at(0, start) < start.size()) refuse_checkpoint(path, "", fmt::format("{} bytes", bytes), "a checkpoint");
    const bool is_zip = std::memcmp(start.data(), "PK", start.size()) == 0;
    reader_ = std::make_unique<Reader>(path, is_zip ? open_zip_checkpoint(path) : open_legacy_checkpoint(path),
                                       kMaxCheckpointGrowth * bytes);
}
TorchCheckpoint::~TorchCheckpoint() = default;

const std::string& TorchCheckpoint::format() const { return reader_->format(); }
const std::vector<TorchState>& TorchCheckpoint::states() const { return reader_->states(); }
TorchValues TorchCheckpoint::values(std::size_t state, std::size_t tensor) { return reader_->values(state, tensor); }

}  // namespace fairsweep
