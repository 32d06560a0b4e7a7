#pragma once
/// One analysis file out of one or more stores, live or finished.
#include <filesystem>
#include <span>
#include <string>

#include "store/duplicates.hpp"

namespace fairsweep {

struct MergeSummary {  ///< counts of the file written
    std::size_t points = 0;
    std::size_t points_done = 0;
    std::size_t duplicates = 0;      ///< points that more than one store has; a done one is preferred, then the store named first
    DuplicateComparison comparison;  ///< of those that are done in several stores
};

/// Writes beside and renames. Results that stores have in common are compared; a difference is a warning. Throws a store error
/// when stores disagree in groups or pairs, or when a done point's scores are missing or damaged; infrastructure when `output`
/// cannot be written.
MergeSummary merge_stores(std::span<const std::filesystem::path> stores, const std::filesystem::path& output,
                          const std::string& code_version);

}  // namespace fairsweep
