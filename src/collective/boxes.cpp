#include "collective/boxes.hpp"

#include <cstring>

namespace fairsweep {

static_assert(sizeof(Envelope) <= Box::kFront);

Envelope Box::envelope() const {
    Envelope envelope;
    std::memcpy(&envelope, bytes_.data(), sizeof envelope);
    return envelope;
}

void Box::address(const Envelope& envelope) { std::memcpy(bytes_.data(), &envelope, sizeof envelope); }

SharedBox Boxes::take() {
    for (const SharedBox& box : all_) {
        if (box.use_count() == 1) return box;  // one thread uses a team's boxes: nobody can take it meanwhile
    }
    all_.push_back(std::make_shared<Box>(room_bytes_));
    return all_.back();
}

}  // namespace fairsweep
