#include "mpi/local_link.hpp"

#include <cstdlib>

#include "mpi/session.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {
SharedBytes bytes_of(char letter) { return std::make_shared<std::vector<std::byte>>(1, static_cast<std::byte>(letter)); }
}  // namespace

TEST_CASE("Ranks inside one process hear each other in order, and nothing from one that is cut off") {
    LocalPost post(3);
    const auto zero = post.link(0);
    const auto one = post.link(1);
    const auto two = post.link(2);
    CHECK(one->rank() == 1);
    CHECK(one->size() == 3);
    one->send(0, bytes_of('a'));
    one->send(0, bytes_of('b'));
    two->send(0, bytes_of('c'));
    post.cut(2);
    two->send(0, bytes_of('d'));
    zero->send(2, bytes_of('e'));
    std::string heard;
    while (const auto incoming = zero->poll())
        heard += std::to_string(incoming->from) + static_cast<char>(incoming->bytes.at(0)) + " ";
    CHECK(heard == "1a 1b 2c ");
    CHECK_FALSE(two->poll().has_value());
}

TEST_CASE("A launcher is recognised by Open MPI's and PMIx's variables and by nothing of Slurm") {
    ::unsetenv("OMPI_COMM_WORLD_SIZE");
    ::unsetenv("PMIX_RANK");
    ::setenv("SLURM_PROCID", "0", 1);
    ::setenv("SLURM_NTASKS", "4", 1);
    CHECK_FALSE(is_under_launcher());
    ::setenv("PMIX_RANK", "0", 1);
    CHECK(is_under_launcher());
    ::unsetenv("PMIX_RANK");
    ::setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
    CHECK(is_under_launcher());
}
