#pragma once
/// Texts of which a plan has hundreds of thousands and few different ones.
#include <array>
#include <compare>
#include <string>
#include <string_view>

namespace fairsweep {

/// A text of which equal ones are held once, until the process ends. Eight bytes; any thread may make one.
class SharedText {
public:
    SharedText();
    SharedText(std::string_view text);  // NOLINT: meant to stand where a text stands, as the next two
    SharedText(const std::string& text) : SharedText(std::string_view(text)) {}
    SharedText(const char* text) : SharedText(std::string_view(text)) {}

    [[nodiscard]] const std::string& text() const noexcept { return *text_; }
    operator const std::string&() const noexcept { return *text_; }

    bool operator==(const SharedText& other) const noexcept { return text_ == other.text_; }
    auto operator<=>(const SharedText& other) const noexcept { return *text_ <=> *other.text_; }

private:
    const std::string* text_;
};

/// A long text in parts that are shared: JSON objects with the same keys differ in few of them. 32 bytes and what is new in it.
class PartedText {
public:
    PartedText() = default;
    PartedText(const std::string& text);  // NOLINT: meant to stand where a text stands
    PartedText(const char* text) : PartedText(std::string(text)) {}

    [[nodiscard]] std::string text() const;
    bool operator==(const PartedText&) const = default;

private:
    std::array<SharedText, 4> parts_;  ///< cut at commas, about equally many in each
};

}  // namespace fairsweep
