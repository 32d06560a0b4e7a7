#pragma once
/// A picture for the eye: rows of identities, columns of their images, group after group.
#include <cstdint>
#include <filesystem>
#include <vector>

#include "fairsweep/dataset.hpp"
#include "faces/groups.hpp"

namespace fairsweep::faces {

/// The first `identities` identities of each group's training set with their first `images` aligned images and, in the
/// last two columns, loose crops. Throws an infrastructure error when the file cannot be written.
void write_contact_sheet(const std::filesystem::path& png, const std::vector<Group>& groups, std::uint64_t seed, int identities,
                         int images);

}  // namespace fairsweep::faces
