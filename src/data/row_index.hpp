#pragma once
/// Rows of an embedding file by the ends of their paths.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fairsweep {

class RowIndex {
public:
    explicit RowIndex(const std::vector<std::string>& paths);

    /// The row of the image whose path ends in `image` ("identity/identity_0001", with its extension, another or none). Where
    /// there are several, the longer of `image` and `group`/`image` decides. Without exactly one: nothing, and `why`.
    [[nodiscard]] std::optional<std::uint32_t> find(const std::string& group, const std::string& image, std::string& why) const;

private:
    void add(const std::string& key, std::uint32_t row);
    [[nodiscard]] std::optional<std::uint32_t> lookup(const std::string& key) const;
    [[nodiscard]] std::string example() const;

    std::unordered_map<std::string, std::uint32_t> rows_;
    std::size_t count_ = 0;
    std::string first_path_;
};

/// One way to write a path: / between its parts, letters composed (Unicode NFC). Bytes that are not UTF-8 stay as they are.
[[nodiscard]] std::string plain_path(std::string_view path);

}  // namespace fairsweep
