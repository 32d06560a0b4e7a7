#pragma once
/// The one definition of the order in which parts are added (include/fairsweep/collective.hpp): whoever adds the parts of ranks
/// or of shards does it here, so that the number of ranks does not change a bit.
#include <cstddef>
#include <span>

#include "fairsweep/collective.hpp"

namespace fairsweep {

/// `count` elements of every part, reduced into `out`, which may be one of the parts but overlaps none otherwise. At least one
/// part. All memory is aligned to its elements.
void reduce_parts(Scalar type, Reduction reduction, std::span<const void* const> parts, std::size_t count, void* out);

}  // namespace fairsweep
