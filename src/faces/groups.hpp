#pragma once
/// The groups of a data set and the difficulty planted in them: the truth that measurements are checked against.
/// A group has a name, a look (where its identities' traits centre) and two knobs. Which look a name gets is drawn from
/// the seed, and so is, by default, which group is the hardest: difficulty never follows skin tone.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "faces/identity.hpp"

namespace fairsweep::faces {

struct Group {
    std::string name;
    double spread = 1.0;  ///< times the identities' distance from their look's mean: small means look-alikes, false matches
    double noise = 1.0;   ///< times the pictures' noise: large means false non-matches
    std::size_t look = 0;
    Traits mean{};  ///< of z
    bool operator==(const Group&) const = default;
};

/// `text` is a list of names ("A,B,C,D": one of them, drawn from the seed, gets spread 0.25 and noise 2.5) or the path of
/// a file with one group a line: `name,spread,noise`, `#` starts a comment. Throws a usage error naming file and line.
[[nodiscard]] std::vector<Group> parse_groups(const std::string& text, std::uint64_t seed);

/// Both knobs make a group harder the further they leave 1; a small spread weighs as much as a large noise. Small: hard.
[[nodiscard]] double ease_of(const Group& group);

/// planted.json: what was planted, hardest group first in "order_hardest_first".
[[nodiscard]] std::string planted_json(const std::vector<Group>& groups, std::uint64_t seed);

}  // namespace fairsweep::faces
