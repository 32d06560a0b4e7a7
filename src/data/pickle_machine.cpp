#include "data/pickle_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "fairsweep/error.hpp"

namespace fairsweep::pickle_detail {
namespace {

constexpr int kMinProtocol = 2, kMaxProtocol = 5;

}  // namespace

void Machine::refuse(const std::string& found, const std::string& expected, const std::string& hint) const {
    throw_data({.attempted = "cannot read a pickle",
                .where = fmt::format("{}, byte {}", where_, opcode_at_),
                .found = found,
                .expected = expected,
                .hint = hint});
}

std::span<const std::byte> Machine::take(std::uint64_t count) {
    if (count > data_.size() - at_)
        refuse(fmt::format("a length of {} bytes", count), fmt::format("at most {}, which are left", data_.size() - at_));
    const auto bytes = data_.subspan(static_cast<std::size_t>(at_), static_cast<std::size_t>(count));
    at_ += count;
    return bytes;
}

std::uint64_t Machine::take_number(int bytes) {
    const auto raw = take(static_cast<std::uint64_t>(bytes));
    std::uint64_t number = 0;
    for (std::size_t i = raw.size(); i-- > 0;) number = number << 8 | std::to_integer<std::uint64_t>(raw[i]);
    return number;
}

std::string Machine::take_text(std::uint64_t count) {
    const auto raw = take(count);
    return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

std::string Machine::take_line() {
    const auto rest = data_.subspan(static_cast<std::size_t>(at_));
    const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
    if (end == rest.end()) refuse("a name without an end", "a line");
    std::string line = take_text(static_cast<std::uint64_t>(end - rest.begin()));
    ++at_;
    return line;
}

PickleIndex Machine::make(Kind kind) {
    if (values_.size() >= kMaxPickleValues) refuse(fmt::format("more than {} values", kMaxPickleValues), "a state_dict");
    values_.push_back({.kind = kind, .offset = opcode_at_, .integer = 0, .real = 0.0, .text = {}, .dtype = {}, .items = {}});
    return static_cast<PickleIndex>(values_.size() - 1);
}

void Machine::count_items(std::size_t items) {
    items_ += items;
    if (items_ > kMaxPickleItems) refuse(fmt::format("more than {} members", kMaxPickleItems), "a state_dict");
}

void Machine::push(PickleIndex index) {
    if (stack_.size() >= kMaxPickleItems)
        refuse(fmt::format("more than {} values on the stack", kMaxPickleItems), "a state_dict");
    stack_.push_back(index);
}

void Machine::push_integer(std::int64_t integer) {
    const PickleIndex index = make(Kind::integer);
    value(index).integer = integer;
    push(index);
}

void Machine::push_text(Kind kind, std::string text) {
    const PickleIndex index = make(kind);
    value(index).text = std::move(text);
    push(index);
}

PickleIndex Machine::pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back())) refuse("an empty stack", "a value on it");
    const PickleIndex index = stack_.back();
    stack_.pop_back();
    return index;
}

std::vector<PickleIndex> Machine::pop_to_mark() {
    if (marks_.empty()) refuse("no mark on the stack", "a mark");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleIndex> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    count_items(items.size());
    return items;
}

PickleValue& Machine::top(const char* opcode, Kind kind) {
    const PickleIndex index = pop();
    push(index);
    if (value(index).kind != kind) refuse(fmt::format("{} on {}", opcode, describe(value(index))), "a list or dict");
    return value(index);
}

void Machine::push_long(std::uint64_t bytes) {
    const std::string raw = take_text(bytes);
    if (raw.size() > 8) return push_text(Kind::big_integer, raw);
    std::uint64_t number = !raw.empty() && (raw.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;  // sign
    for (std::size_t i = raw.size(); i-- > 0;) number = number << 8 | static_cast<std::uint8_t>(raw[i]);
    push_integer(static_cast<std::int64_t>(number));
}

bool Machine::do_number(std::uint8_t opcode) {
    switch (opcode) {
        case 'N':  // NONE
            push(make(Kind::none));
            return true;
        case 0x88:  // NEWTRUE
        case 0x89:  // NEWFALSE
            push(make(Kind::boolean));
            value(stack_.back()).integer = opcode == 0x88 ? 1 : 0;
            return true;
        case 'J':  // BININT
            push_integer(static_cast<std::int32_t>(static_cast<std::uint32_t>(take_number(4))));
            return true;
        case 'K':  // BININT1
            push_integer(static_cast<std::int64_t>(take_number(1)));
            return true;
        case 'M':  // BININT2
            push_integer(static_cast<std::int64_t>(take_number(2)));
            return true;
        case 0x8a:  // LONG1
            push_long(take_number(1));
            return true;
        case 0x8b:  // LONG4
            push_long(take_number(4));
            return true;
        case 'G': {  // BINFLOAT: big-endian
            std::uint64_t bits = 0;
            for (const std::byte byte : take(8)) bits = bits << 8 | std::to_integer<std::uint64_t>(byte);
            push(make(Kind::real));
            value(stack_.back()).real = std::bit_cast<double>(bits);
            return true;
        }
        default:
            return false;
    }
}

bool Machine::do_text(std::uint8_t opcode) {
    const auto push_counted = [this](Kind kind, int length_bytes) {
        const std::uint64_t length = take_number(length_bytes);
        push_text(kind, take_text(length));
    };
    switch (opcode) {
        case 'X':  // BINUNICODE
            push_counted(Kind::text, 4);
            return true;
        case 0x8c:  // SHORT_BINUNICODE
            push_counted(Kind::text, 1);
            return true;
        case 0x8d:  // BINUNICODE8
            push_counted(Kind::text, 8);
            return true;
        case 'T':  // BINSTRING: text of Python 2
            push_counted(Kind::text, 4);
            return true;
        case 'U':  // SHORT_BINSTRING
            push_counted(Kind::text, 1);
            return true;
        case 'B':  // BINBYTES
            push_counted(Kind::bytes, 4);
            return true;
        case 'C':  // SHORT_BINBYTES
            push_counted(Kind::bytes, 1);
            return true;
        case 0x8e:  // BINBYTES8
            push_counted(Kind::bytes, 8);
            return true;
        default:
            return false;
    }
}

void Machine::push_tuple(std::size_t count) {
    std::vector<PickleIndex> items(count);
    count_items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    const PickleIndex index = make(Kind::tuple);
    value(index).items = std::move(items);
    push(index);
}

bool Machine::do_container(std::uint8_t opcode) {
    const auto extend = [this](const char* name, Kind kind, const std::vector<PickleIndex>& items) {
        auto& all = top(name, kind).items;
        if (kind == Kind::dict && items.size() % 2 != 0) refuse("a key without a value", "pairs");
        all.insert(all.end(), items.begin(), items.end());
    };
    switch (opcode) {
        case '(':  // MARK
            if (marks_.size() >= kMaxPickleValues) refuse(fmt::format("more than {} marks", kMaxPickleValues), "a state_dict");
            marks_.push_back(stack_.size());
            return true;
        case ')':  // EMPTY_TUPLE
            push(make(Kind::tuple));
            return true;
        case ']':  // EMPTY_LIST
            push(make(Kind::list));
            return true;
        case '}':  // EMPTY_DICT
            push(make(Kind::dict));
            return true;
        case 't': {  // TUPLE
            std::vector<PickleIndex> items = pop_to_mark();
            push(make(Kind::tuple));
            value(stack_.back()).items = std::move(items);
            return true;
        }
        case 0x85:  // TUPLE1 .. TUPLE3
        case 0x86:
        case 0x87:
            push_tuple(opcode - 0x84U);
            return true;
        case 'a':  // APPEND
            extend("APPEND", Kind::list, {pop()});
            return true;
        case 'e':  // APPENDS
            extend("APPENDS", Kind::list, pop_to_mark());
            return true;
        case 's': {  // SETITEM
            const PickleIndex item = pop();
            const PickleIndex key = pop();
            extend("SETITEM", Kind::dict, {key, item});
            return true;
        }
        case 'u':  // SETITEMS
            extend("SETITEMS", Kind::dict, pop_to_mark());
            return true;
        default:
            return false;
    }
}

void Machine::memoize(std::uint64_t key) {
    const PickleIndex index = pop();
    push(index);
    // The values are limited, but a value may be remembered as often as the file has bytes.
    if (memo_.size() >= kMaxPickleValues && !memo_.contains(key))
        refuse(fmt::format("more than {} remembered values", kMaxPickleValues), "a state_dict");
    memo_[key] = index;
}

bool Machine::do_memo(std::uint8_t opcode) {
    switch (opcode) {
        case 'q':  // BINPUT
            memoize(take_number(1));
            return true;
        case 'r':  // LONG_BINPUT
            memoize(take_number(4));
            return true;
        case 0x94:  // MEMOIZE
            memoize(memo_.size());
            return true;
        case 'h':    // BINGET
        case 'j': {  // LONG_BINGET
            const std::uint64_t key = take_number(opcode == 'h' ? 1 : 4);
            const auto found = memo_.find(key);
            if (found == memo_.end()) refuse(fmt::format("memo {}, which nothing was put into", key), "an earlier value");
            push(found->second);
            return true;
        }
        default:
            return false;
    }
}

PickledValues Machine::run() {
    while (true) {
        opcode_at_ = at_;
        const auto opcode = static_cast<std::uint8_t>(take_number(1));
        if (opcode == '.') break;
        if (opcode == 0x80) {  // PROTO
            const auto protocol = static_cast<int>(take_number(1));
            if (opcode_at_ != 0 || protocol < kMinProtocol || protocol > kMaxProtocol)
                refuse(fmt::format("protocol {}", protocol), "a pickle of protocol 2, 3, 4 or 5, said once at its start");
        } else if (opcode_at_ == 0) {
            refuse(fmt::format("byte 0x{:02x}", opcode), "a pickle of protocol 2, 3, 4 or 5, which starts with 0x80");
        } else if (opcode == 0x95) {  // FRAME: a hint for readers of streams
            if (take_number(8) > data_.size() - at_) refuse("a frame longer than the pickle", "a whole frame");
        } else if (!do_number(opcode) && !do_text(opcode) && !do_container(opcode) && !do_memo(opcode) && !do_object(opcode)) {
            refuse(opcode_text(opcode), "what torch.save writes for a state_dict");
        }
    }
    PickledValues result;
    result.root = pop();
    if (!stack_.empty() || !marks_.empty()) refuse("values left on the stack", "one value");
    result.values = std::move(values_);
    result.end = at_;
    return result;
}

}  // namespace fairsweep::pickle_detail
