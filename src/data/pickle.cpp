#include "data/pickle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/pickle_machine.hpp"
#include "fairsweep/error.hpp"

namespace fairsweep {
namespace {

using Kind = PickleValue::Kind;

struct StorageClass {
    std::string_view global;
    std::string_view dtype;
};
constexpr std::array<StorageClass, 10> kStorageClasses{{{"torch FloatStorage", "F32"},
                                                        {"torch DoubleStorage", "F64"},
                                                        {"torch HalfStorage", "F16"},
                                                        {"torch BFloat16Storage", "BF16"},
                                                        {"torch LongStorage", "I64"},
                                                        {"torch IntStorage", "I32"},
                                                        {"torch ShortStorage", "I16"},
                                                        {"torch CharStorage", "I8"},
                                                        {"torch ByteStorage", "U8"},
                                                        {"torch BoolStorage", "BOOL"}}};

struct OpcodeName {
    std::uint8_t code;
    const char* name;
};
/// Opcodes that exist but are never needed for a state_dict: refused by name. (pickletools.py)
constexpr std::array<OpcodeName, 25> kRefused{
    {{'0', "POP"},        {'1', "POP_MARK"},   {'2', "DUP"},         {'F', "FLOAT"},        {'I', "INT"},
     {'L', "LONG"},       {'P', "PERSID"},     {'S', "STRING"},      {'V', "UNICODE"},      {'d', "DICT"},
     {'g', "GET"},        {'i', "INST"},       {'l', "LIST"},        {'o', "OBJ"},          {'p', "PUT"},
     {0x82, "EXT1"},      {0x83, "EXT2"},      {0x84, "EXT4"},       {0x8f, "EMPTY_SET"},   {0x90, "ADDITEMS"},
     {0x91, "FROZENSET"}, {0x92, "NEWOBJ_EX"}, {0x96, "BYTEARRAY8"}, {0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"}}};

}  // namespace

std::string pickle_detail::opcode_text(std::uint8_t code) {
    for (const OpcodeName& known : kRefused)
        if (known.code == code) return fmt::format("opcode {} (0x{:02x})", known.name, code);
    return fmt::format("byte 0x{:02x} where an opcode should be", code);
}

std::string_view dtype_of_storage_class(std::string_view global) {
    for (const StorageClass& known : kStorageClasses)
        if (known.global == global) return known.dtype;
    return {};
}

std::string printable(std::string_view text) {
    constexpr std::size_t kMaxShown = 80;
    std::string shown(text.substr(0, kMaxShown));
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.size() > kMaxShown ? shown + "..." : shown;
}

std::string describe(const PickleValue& value) {
    switch (value.kind) {
        case Kind::none:
            return "None";
        case Kind::boolean:
            return value.integer != 0 ? "True" : "False";
        case Kind::integer:
            return fmt::format("the integer {}", value.integer);
        case Kind::big_integer:
            return fmt::format("an integer of {} bytes", value.text.size());
        case Kind::real:
            return fmt::format("the number {}", value.real);
        case Kind::text:
            return "the text '" + printable(value.text) + "'";
        case Kind::bytes:
            return fmt::format("{} bytes", value.text.size());
        case Kind::tuple:
            return fmt::format("a tuple of {}", value.items.size());
        case Kind::list:
            return fmt::format("a list of {}", value.items.size());
        case Kind::dict:
            return fmt::format("a dict of {}", value.items.size() / 2);
        case Kind::global:
            return "the class or function " + printable(value.text);
        case Kind::storage:
            return "a storage of " + value.dtype;
        case Kind::tensor:
            return "a tensor";
    }
    return "a value";
}

PickledValues read_pickle(std::span<const std::byte> data, const std::string& where) {
    return pickle_detail::Machine(data, where).run();
}

}  // namespace fairsweep
