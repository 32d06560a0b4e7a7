#pragma once
/// The boxes of a team, used again and again. Not more are made than are in use at once; the caller bounds that.
#include <vector>

#include "collective/point_to_point.hpp"

namespace fairsweep {

class Boxes {
public:
    explicit Boxes(std::size_t room_bytes) : room_bytes_(room_bytes) {}
    [[nodiscard]] std::size_t room_bytes() const { return room_bytes_; }
    /// A box that nothing else holds.
    [[nodiscard]] SharedBox take();
    [[nodiscard]] std::size_t made() const { return all_.size(); }

private:
    std::size_t room_bytes_;
    std::vector<SharedBox> all_;
};

}  // namespace fairsweep
