#pragma once
/// Inside the data room: where a checkpoint's storages lie, for its two formats.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/pickle.hpp"

namespace fairsweep {

/// The bytes of storages by key. Not thread-safe.
class TorchStorages {
public:
    virtual ~TorchStorages() = default;
    /// "zip" or "legacy"
    [[nodiscard]] virtual std::string format() const = 0;
    [[nodiscard]] virtual const PickledValues& object() const = 0;
    /// The bytes of a storage that the object names. Throws a data error when they are not there or not as many.
    [[nodiscard]] virtual const std::vector<std::byte>& bytes(const PickleValue& storage) = 0;
};

[[nodiscard]] std::unique_ptr<TorchStorages> open_zip_checkpoint(const std::filesystem::path& path);
[[nodiscard]] std::unique_ptr<TorchStorages> open_legacy_checkpoint(const std::filesystem::path& path);

[[noreturn]] void refuse_checkpoint(const std::filesystem::path& path, const std::string& place, const std::string& found,
                                    const std::string& expected, const std::string& hint = {});

/// Bytes of one element of a storage's dtype.
[[nodiscard]] std::uint64_t element_bytes(const PickleValue& storage);
/// Bytes that a storage must have, or a refusal when that number overflows.
[[nodiscard]] std::uint64_t storage_bytes(const PickleValue& storage, const std::filesystem::path& path);

}  // namespace fairsweep
