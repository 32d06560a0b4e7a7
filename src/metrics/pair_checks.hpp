#pragma once
/// What is odd about a list of pairs, before or beside its figures.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fairsweep/items.hpp"

namespace fairsweep {

/// Throws a data error for a group that cannot have the ten-fold figures: fewer than ten pairs, or pairs of one kind only.
/// `where` says what the pairs are from.
void refuse_unusable_groups(const ItemTable& pairs, const std::string& where);

/// Pairs of an image with itself, and pairs that stand twice in a group (either way round). `image_a`, `image_b` [pairs] number
/// the images of the list.
[[nodiscard]] std::vector<std::string> repeated_pair_warnings(const ItemTable& pairs, std::span<const std::uint32_t> image_a,
                                                              std::span<const std::uint32_t> image_b);

/// More than a tenth of the people stand in several groups: numbers given anew in each group look so.
[[nodiscard]] std::optional<std::string> shared_people_warning(const ItemTable& pairs);

/// Groups of fewer than ten people: intervals count people, and of so few their shares may cancel out.
[[nodiscard]] std::optional<std::string> few_people_warning(const ItemTable& pairs);

/// Pairs whose score is 1 in every network, `is_one` [pairs]: equal images, which say nothing of a network.
[[nodiscard]] std::optional<std::string> equal_images_warning(const ItemTable& pairs, std::span<const std::uint8_t> is_one);

/// Pairs of different people whose two identities are one.
[[nodiscard]] std::optional<std::string> contradiction_warning(const ItemTable& pairs);

}  // namespace fairsweep
