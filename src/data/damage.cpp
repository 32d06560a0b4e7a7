#include "data/damage.hpp"

namespace fairsweep {

std::string FileSpot::text() const {
    std::string text = file.string();
    if (offset) text += ", offset " + std::to_string(*offset);
    if (line) text += ", line " + std::to_string(*line);
    return text;
}

void throw_damaged(const FileSpot& spot, ErrorParts parts) {
    parts.where = spot.text() + parts.where;
    throw DamagedFile(spot, parts);
}

}  // namespace fairsweep
