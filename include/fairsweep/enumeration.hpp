#pragma once
/// Enumerations by table: the words of an enumeration are written once, beside it, and their number is its size. Whatever
/// lists, counts, spells or reads an enumeration goes through here; nothing counts enumerators by hand.
///
/// An enumeration joins with a table of words in the order of its values, which run from 0 without gaps:
///   template <> struct Words<Arm> { static constexpr std::array kWords{"dense", "sham", "compressed"}; };
/// An enumerator without a word does not compile where the table is used.
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "fairsweep/check.hpp"

namespace fairsweep {

template <class E>
struct Words;

template <class E>
concept Enumerated = requires {
    Words<E>::kWords;
};

/// Whether the value has an enumerator: GCC and Clang print "fairsweep::Arm::sham" for one, "(fairsweep::Arm)7" for none.
template <auto value>
consteval bool is_enumerator() {
    const std::string_view text = __PRETTY_FUNCTION__;
    const std::size_t place = text.find("value = ");
    return place != std::string_view::npos && text[place + 8] != '(';
}

/// How many values the enumeration has.
template <Enumerated E>
consteval std::size_t count_words() {
    constexpr std::size_t count = Words<E>::kWords.size();
    static_assert(is_enumerator<static_cast<E>(count - 1)>(), "a word without an enumerator");
    static_assert(!is_enumerator<static_cast<E>(count)>(), "an enumerator without a word");
    return count;
}
template <Enumerated E>
inline constexpr std::size_t count_of = count_words<E>();

template <Enumerated E>
[[nodiscard]] constexpr std::size_t index_of(E value) {
    const auto index = static_cast<std::size_t>(value);
    FAIRSWEEP_CHECK(index < count_of<E>, "a value outside its enumeration");
    return index;
}

/// The word that reports, JSON and stores use.
template <Enumerated E>
[[nodiscard]] constexpr const char* name_of(E value) {
    return Words<E>::kWords[index_of(value)];
}

/// All values, in order.
template <Enumerated E>
[[nodiscard]] constexpr std::array<E, count_of<E>> all_of() {
    std::array<E, count_of<E>> values{};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<E>(i);
    return values;
}

/// The value of a word; nothing for a word that is not in the table.
template <Enumerated E>
[[nodiscard]] constexpr std::optional<E> from_name(std::string_view word) {
    for (const E value : all_of<E>()) {
        if (word == name_of(value)) return value;
    }
    return std::nullopt;
}

/// One T per value of an enumeration.
template <Enumerated E, class T>
class PerEnum {
public:
    [[nodiscard]] constexpr T& operator[](E value) { return values_[index_of(value)]; }
    [[nodiscard]] constexpr const T& operator[](E value) const { return values_[index_of(value)]; }
    [[nodiscard]] constexpr auto begin() { return values_.begin(); }
    [[nodiscard]] constexpr auto begin() const { return values_.begin(); }
    [[nodiscard]] constexpr auto end() { return values_.end(); }
    [[nodiscard]] constexpr auto end() const { return values_.end(); }
    bool operator==(const PerEnum&) const = default;

private:
    std::array<T, count_of<E>> values_{};
};

}  // namespace fairsweep
