/// The contract of Collective on NCCL's double: teams of 1 to 4, with memory of the process and of the device, and where every
/// call leaves its communicator in progress for a while. Communicators are kept between teams, as a sweep keeps them.
#include <cstring>

#include "collective/contract.hpp"
#include "collective/nccl_teams.hpp"
#include "support/catch.hpp"

namespace fairsweep::contract {
namespace {

class DeviceMemory final : public Memory {
public:
    explicit DeviceMemory(std::size_t bytes) : bytes_(bytes), memory_(bytes + 1) {}  // also an empty one has its place
    void* data() override { return memory_.data(); }
    bool on_device() const override { return true; }
    void write(const std::vector<std::byte>& bytes) override { std::copy(bytes.begin(), bytes.end(), first()); }
    std::vector<std::byte> read() const override { return {first(), first() + bytes_}; }

private:
    [[nodiscard]] std::byte* first() const { return static_cast<std::byte*>(memory_.data()); }
    std::size_t bytes_;
    nccl_double::Memory memory_;
};

class NcclTeams final : public Teams {
public:
    NcclTeams(int size, bool on_device, int in_progress_polls)
        : on_device_(on_device), in_progress_polls_(in_progress_polls), workers_(size) {}
    std::string name() const override {
        return "nccl's double, " + std::to_string(size()) + " ranks, memory of the " + (on_device_ ? "device" : "process") +
               ", " + std::to_string(in_progress_polls_) + " polls in progress";
    }
    int size() const override { return workers_.size(); }
    std::unique_ptr<Collective> make(int rank, std::uint64_t number) override {
        nccl_double::set_in_progress_polls(in_progress_polls_);
        return workers_.make(rank, number);
    }
    std::unique_ptr<Memory> memory(std::size_t bytes) override {
        return on_device_ ? std::make_unique<DeviceMemory>(bytes) : Teams::memory(bytes);
    }
    void meet() override {
        for (const std::string& breach : nccl_double::take_breaches()) FAIL_CHECK(breach);
    }
    bool names_ranks() const override { return false; }  // NCCL does not say whom it waits for

private:
    bool on_device_;
    int in_progress_polls_;
    Workers workers_;
};

}  // namespace

std::vector<std::unique_ptr<Teams>> teams_under_test() {
    std::vector<std::unique_ptr<Teams>> all;
    for (const int size : {1, 2, 4}) all.push_back(std::make_unique<NcclTeams>(size, true, 0));
    all.push_back(std::make_unique<NcclTeams>(3, true, 3));
    all.push_back(std::make_unique<NcclTeams>(2, false, 1));
    return all;
}

}  // namespace fairsweep::contract
