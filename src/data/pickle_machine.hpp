#pragma once
/// Inside the data room: the stack machine behind read_pickle(). pickle_machine.cpp has the opcodes, pickle_build.cpp what
/// calls and persistent ids are allowed to make.
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/pickle.hpp"

namespace fairsweep::pickle_detail {

/// "opcode INST (0x69)", for one that is not read.
[[nodiscard]] std::string opcode_text(std::uint8_t code);

class Machine {
public:
    Machine(std::span<const std::byte> data, const std::string& where) : data_(data), where_(where) {}
    [[nodiscard]] PickledValues run();

private:
    using Kind = PickleValue::Kind;

    // Bytes. Each throws when they are not there.
    [[nodiscard]] std::span<const std::byte> take(std::uint64_t count);
    [[nodiscard]] std::uint64_t take_number(int bytes);  ///< little-endian
    [[nodiscard]] std::string take_text(std::uint64_t count);
    [[nodiscard]] std::string take_line();

    // Values and the stack.
    PickleIndex make(Kind kind);  ///< a new value, not on the stack
    void count_items(std::size_t items);
    void push(PickleIndex index);
    void push_integer(std::int64_t integer);
    void push_text(Kind kind, std::string text);
    [[nodiscard]] PickleIndex pop();
    [[nodiscard]] std::vector<PickleIndex> pop_to_mark();
    [[nodiscard]] PickleValue& top(const char* opcode, Kind kind);
    [[nodiscard]] PickleValue& value(PickleIndex index) { return values_[index]; }

    // One opcode; false when it is of another family.
    [[nodiscard]] bool do_number(std::uint8_t opcode);
    [[nodiscard]] bool do_text(std::uint8_t opcode);
    [[nodiscard]] bool do_container(std::uint8_t opcode);
    [[nodiscard]] bool do_memo(std::uint8_t opcode);
    [[nodiscard]] bool do_object(std::uint8_t opcode);
    void push_long(std::uint64_t bytes);
    void push_tuple(std::size_t count);
    void memoize(std::uint64_t key);

    // What classes and functions make.
    void push_global(const std::string& module, const std::string& name);
    [[noreturn]] void refuse_global(const std::string& module, const std::string& name) const;
    [[nodiscard]] std::string nearest_key() const;            ///< the text last pushed: the name of what is being made
    [[nodiscard]] bool is_near(std::string_view text) const;  ///< whether it stands at the top of the stack
    [[nodiscard]] std::string advice() const;                 ///< what to type in Python to get a state_dict out of such a file
    void call();
    void build();
    void load_persistent();
    [[nodiscard]] PickleIndex make_ordered_dict(const PickleValue& arguments);
    [[nodiscard]] PickleIndex make_tensor(const std::string& function, const PickleValue& arguments);
    [[nodiscard]] PickleIndex make_parameter(const std::string& function, const PickleValue& arguments);

    [[noreturn]] void refuse(const std::string& found, const std::string& expected, const std::string& hint = {}) const;

    std::span<const std::byte> data_;
    const std::string& where_;
    std::uint64_t at_ = 0;         ///< next byte
    std::uint64_t opcode_at_ = 0;  ///< the opcode being done
    std::vector<PickleValue> values_;
    std::vector<PickleIndex> stack_;
    std::vector<std::size_t> marks_;  ///< heights of the stack
    std::map<std::uint64_t, PickleIndex> memo_;
    std::size_t items_ = 0;  ///< members of all containers
};

}  // namespace fairsweep::pickle_detail
