#pragma once
/// A pickle machine that builds plain values and can run no code: protocols 2 ... 5, the opcodes that Python writes for
/// torch.save, and a white list of globals (OrderedDict, torch's tensor and parameter rebuilders, its storage classes).
/// Everything else is refused by name and byte offset. Opcodes: CPython, Lib/pickletools.py.
///
/// Bounded: no length of the file is used before it was checked against the bytes that are there, and there are limits for
/// the number of values, of members, of marks and of what is remembered. Values refer to each other by index, so a pickle that
/// contains itself is harmless.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairsweep {

/// Longest pickle that is read and most values in it: a state_dict of IResNet-100 has 100 kB and 20,000 values.
inline constexpr std::uint64_t kMaxPickleBytes = 64ULL << 20;
inline constexpr std::size_t kMaxPickleValues = 1'000'000;
/// Most members that all tuples, lists and dictionaries of a pickle have together.
inline constexpr std::size_t kMaxPickleItems = 4'000'000;

/// Index into PickledValues::values.
using PickleIndex = std::uint32_t;

struct PickleValue {
    enum class Kind : std::uint8_t {
        none,
        boolean,      ///< integer: 0 or 1
        integer,      ///< integer
        big_integer,  ///< text: two's complement, little-endian, more than 8 bytes
        real,
        text,
        bytes,    ///< text
        tuple,    ///< items
        list,     ///< items
        dict,     ///< items: key, value, key, value ...; plain or OrderedDict
        global,   ///< text: "module name", one of the white list
        storage,  ///< text: its key; dtype, integer: elements
        tensor,   ///< items: storage, shape, strides; integer: offset in elements
    };
    Kind kind = Kind::none;
    std::uint64_t offset = 0;  ///< of the opcode that made it, in bytes from the start of the pickle
    std::int64_t integer = 0;
    double real = 0.0;
    std::string text;
    std::string dtype;  ///< of a storage, as safetensors writes it: "F32"
    std::vector<PickleIndex> items;
};

struct PickledValues {
    std::vector<PickleValue> values;
    PickleIndex root = 0;
    std::uint64_t end = 0;  ///< bytes of the pickle, STOP included
    [[nodiscard]] const PickleValue& at(PickleIndex index) const { return values.at(index); }
};

/// Reads the pickle at the start of `data`; what follows its STOP is not looked at. `where` names it in errors, which add the
/// byte. Throws a data error for anything that is damaged, too large or not on the white list.
[[nodiscard]] PickledValues read_pickle(std::span<const std::byte> data, const std::string& where);

/// "a list of 3", "the text 'epoch'": a value in errors.
[[nodiscard]] std::string describe(const PickleValue& value);
/// A foreign text for a message: at most 80 bytes, others than printable ASCII as '?'.
[[nodiscard]] std::string printable(std::string_view text);

/// The dtype word of a torch storage class ("torch FloatStorage" -> "F32"); empty when there is no such class.
[[nodiscard]] std::string_view dtype_of_storage_class(std::string_view global);

}  // namespace fairsweep
