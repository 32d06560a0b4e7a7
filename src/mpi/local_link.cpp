#include "mpi/local_link.hpp"

#include "fairsweep/check.hpp"

namespace fairsweep {

class LocalLink final : public Link {
public:
    LocalLink(LocalPost& post, int rank) : post_(post), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return static_cast<int>(post_.boxes_.size()); }
    void send(int to, SharedBytes message) override {
        FAIRSWEEP_CHECK(to >= 0 && to < size(), "a rank of this group");
        const std::lock_guard lock(post_.mutex_);
        LocalPost::Box& box = post_.boxes_[static_cast<std::size_t>(to)];
        if (!box.cut && !own_box().cut) box.messages.push_back({rank_, *message});
    }
    std::optional<Incoming> poll() override {
        const std::lock_guard lock(post_.mutex_);
        LocalPost::Box& box = own_box();
        if (box.messages.empty() || box.cut) return std::nullopt;
        Incoming first = std::move(box.messages.front());
        box.messages.pop_front();
        return first;
    }
    std::size_t sends_pending() const override { return 0; }

private:
    LocalPost::Box& own_box() { return post_.boxes_[static_cast<std::size_t>(rank_)]; }
    LocalPost& post_;
    int rank_;
};

std::unique_ptr<Link> LocalPost::link(int rank) {
    FAIRSWEEP_CHECK(rank >= 0 && rank < static_cast<int>(boxes_.size()), "a rank of this group");
    return std::make_unique<LocalLink>(*this, rank);
}

void LocalPost::cut(int rank) {
    const std::lock_guard lock(mutex_);
    boxes_[static_cast<std::size_t>(rank)].cut = true;
}

}  // namespace fairsweep
