#pragma once
/// Before a stage runs, what it needs is compared with what the rows say that was left: the SHA-256 of every file. No torch.
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fairsweep/hash.hpp"
#include "fairsweep/stage_order.hpp"

namespace fairsweep {

/// For one worker: a file is hashed once, and again when size, time of change or inode have changed. One thread.
class NeededArtefacts {
public:
    explicit NeededArtefacts(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Nothing when all files are as their rows say; else a text that names the first that is not, and what to do. That file
    /// is moved aside, to <name>.damaged, so that a later run makes it again. Throws a data error when one cannot be read.
    [[nodiscard]] std::optional<std::string> problem(const std::vector<Need>& needs);

private:
    struct Hashed {
        std::uint64_t size_bytes = 0;
        std::int64_t changed_ns = 0;
        std::uint64_t inode = 0;
        Digest digest;
    };
    [[nodiscard]] Digest digest_of(const std::filesystem::path& path);

    std::filesystem::path folder_;
    std::map<std::filesystem::path, Hashed> hashed_;
};

}  // namespace fairsweep
