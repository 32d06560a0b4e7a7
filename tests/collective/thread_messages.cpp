#include "collective/thread_messages.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "fairsweep/error.hpp"

namespace fairsweep::contract {

class ThreadMessages final : public PointToPoint {
public:
    ThreadMessages(PostOffice& office, int rank, int size) : office_(office), rank_(rank), size_(size) {}
    int rank() const override { return rank_; }
    int size() const override { return size_; }
    std::string name_of(int member) const override { return "rank " + std::to_string(member); }

    Transfer send(int to, SharedBox box) override {
        const std::lock_guard guard(office_.lock_);
        auto is_taken = std::make_shared<bool>(!office_.sends_wait_);
        const Envelope e = box->envelope();
        office_.messages_[{rank_, to, e.team, e.operation, e.part}].push_back(
            {{box->data(), box->data() + box->message_bytes()}, is_taken});
        under_way_[next_] = {to, std::move(box), std::move(is_taken), {}};
        return next_++;
    }

    Transfer receive(int from, const Envelope& e, SharedBox box) override {
        under_way_[next_] = {from, std::move(box), nullptr, {from, rank_, e.team, e.operation, e.part}};
        return next_++;
    }

    bool test(Transfer number) override {
        const std::lock_guard guard(office_.lock_);
        UnderWay& transfer = under_way_.at(number);
        if (std::count(office_.lost_.begin(), office_.lost_.end(), transfer.peer) != 0)
            throw_infrastructure({.attempted = "a message failed", .where = name_of(transfer.peer)});
        if (!(transfer.is_taken ? *transfer.is_taken : take(transfer))) return false;
        under_way_.erase(number);
        return true;
    }

    void forget(Transfer number) override {
        const std::lock_guard guard(office_.lock_);
        office_.forgotten_ += under_way_.erase(number);
    }

private:
    struct UnderWay {
        int peer;
        SharedBox box;
        std::shared_ptr<bool> is_taken;  ///< of sends
        PostOffice::Key key;             ///< of receives
    };

    bool take(UnderWay& transfer) {
        const auto found = office_.messages_.find(transfer.key);
        if (found == office_.messages_.end()) return false;
        const PostOffice::Message& message = found->second.front();
        std::memcpy(transfer.box->data(), message.bytes.data(), message.bytes.size());
        *message.is_taken = true;
        found->second.pop_front();
        if (found->second.empty()) office_.messages_.erase(found);
        return true;
    }

    PostOffice& office_;
    int rank_;
    int size_;
    Transfer next_ = 0;
    std::map<Transfer, UnderWay> under_way_;
};

std::unique_ptr<PointToPoint> PostOffice::member(int rank, int size) {
    return std::make_unique<ThreadMessages>(*this, rank, size);
}

void PostOffice::lose(int rank) {
    const std::lock_guard guard(lock_);
    lost_.push_back(rank);
}

std::size_t PostOffice::forgotten() const {
    const std::lock_guard guard(lock_);
    return forgotten_;
}

}  // namespace fairsweep::contract
