#include "collective/single.hpp"

#include "collective/contract.hpp"

namespace fairsweep::contract {
namespace {

class SingleTeams final : public Teams {
public:
    std::string name() const override { return "a team of one"; }
    int size() const override { return 1; }
    std::unique_ptr<Collective> make(int, std::uint64_t) override { return make_single(); }
};

}  // namespace

std::vector<std::unique_ptr<Teams>> teams_under_test() {
    std::vector<std::unique_ptr<Teams>> all;
    all.push_back(std::make_unique<SingleTeams>());
    return all;
}

}  // namespace fairsweep::contract
