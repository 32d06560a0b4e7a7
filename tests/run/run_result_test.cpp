#include "run/run_result.hpp"

#include "support/catch.hpp"

using namespace fairsweep;

namespace {

std::string again(const std::vector<std::string>& words, const std::string& only) {
    RunOptions options;
    options.words = words;
    return command_with_only(options, only);
}

}  // namespace

TEST_CASE("The command to go on is the whole command, quoted for a shell") {
    const std::vector<std::string> words = {"jobs/my job.cfg", "--store",   "it's.h5", "--set",
                                            "axes.bits=32, 8", "--workers", "2"};
    const std::string whole = "fairsweep run 'jobs/my job.cfg' --store 'it'\\''s.h5' --set 'axes.bits=32, 8' --workers 2";
    CHECK(again(words, "") == whole);
    CHECK(again(words, "failed,lost") == whole + " --only failed,lost");
}

TEST_CASE("An older --only gives way, and options stay before a double dash") {
    CHECK(again({"a.cfg", "--only", "failed", "--store", "s.h5"}, "") == "fairsweep run a.cfg --store s.h5");
    CHECK(again({"a.cfg", "--only=lost", "--store", "s.h5"}, "failed,lost") ==
          "fairsweep run a.cfg --store s.h5 --only failed,lost");
    CHECK(again({"--store", "s.h5", "--", "-odd.cfg"}, "failed,lost") ==
          "fairsweep run --store s.h5 --only failed,lost -- -odd.cfg");
}
