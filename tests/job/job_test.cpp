#include "job/job.hpp"

#include <cstdlib>

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "job/job_entries.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

const char* const kJob = R"(# a comment
[sweep]
name = rfw-quantisation   # behind a value
task = verification
seeds = 1, 2,3
arms = compressed, dense

[axes]
architecture = mobilefacenet, iresnet34
training_set = ms1mv2, bupt-balanced
bits = 32, 8, w4a8
calibration = real, synthetic
sparsity = 0, 0.50, 9e-1

[constraint]
exclude = architecture == iresnet34 and training_set == ms1mv2
exclude = bits < 8 and sparsity > 0.5

[recipe]
preset = quantface
baseline_epochs = 6
[evaluation]
data = rfw
[data.ms1mv2]
format = recordio
path = ${FAIRSWEEP_TEST_DATA}/ms1mv2
[data.bupt-balanced]
format = recordio
path = ${FAIRSWEEP_TEST_OTHER:-elsewhere}/b
[data.synthetic]
format = folder
path = ${FAIRSWEEP_TEST_UNDEFINED}/s
[data.rfw]
format = rfw
path = rfw
groups = African, Asian
)";

}  // namespace

TEST_CASE("a job file becomes a sweep") {
    ::setenv("FAIRSWEEP_TEST_DATA", "/data with blanks", 1);
    ::unsetenv("FAIRSWEEP_TEST_OTHER");
    ::unsetenv("FAIRSWEEP_TEST_UNDEFINED");
    Sweep sweep = parse_job(kJob, "job.cfg", {});
    CHECK(sweep.name == "rfw-quantisation");
    CHECK(sweep.task == "verification");
    CHECK(sweep.seeds == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(sweep.arms == std::vector<Arm>{Arm::dense, Arm::compressed});
    CHECK(sweep.values(Axis::architecture) == std::vector<AxisValue>{"mobilefacenet", "iresnet34"});
    CHECK(sweep.values(Axis::training_set) == std::vector<AxisValue>{"ms1mv2", "bupt-balanced"});
    CHECK(sweep.values(Axis::bits) == std::vector<AxisValue>{Bits{32, 32}, Bits{8, 8}, Bits{4, 8}});
    CHECK(sweep.values(Axis::calibration) == std::vector<AxisValue>{"real", "synthetic"});
    CHECK(sweep.values(Axis::sparsity) == std::vector<AxisValue>{0.0, 0.5, 0.9});
    CHECK(sweep.values(Axis::distillation) == std::vector<AxisValue>{"embedding"});
    REQUIRE(sweep.constraints.size() == 2);
    CHECK(sweep.constraints[1].text == "bits < 8 and sparsity > 0.5");
    CHECK(sweep.recipe.baseline_epochs == 6);
    CHECK(sweep.recipe.finetune_steps == 11350);
    CHECK(sweep.evaluation_data == "rfw");
    REQUIRE(sweep.data.size() == 4);
    CHECK(sweep.data.at("ms1mv2").path == "/data with blanks/ms1mv2");
    CHECK(sweep.data.at("ms1mv2").format == "recordio");
    CHECK(sweep.data.at("bupt-balanced").path == "elsewhere/b");
    CHECK(sweep.data.at("synthetic").path == "${FAIRSWEEP_TEST_UNDEFINED}/s");
    CHECK(sweep.data.at("rfw").groups == std::vector<std::string>{"African", "Asian"});
}

TEST_CASE("what is left out has a default") {
    Sweep sweep = parse_job(
        "[sweep]\nname=x\n[axes]\narchitecture=iresnet18\ntraining_set=a\nbits=8\n[evaluation]\ndata=b\n"
        "[data.a]\nformat=recordio\npath=a\n[data.b]\nformat=rfw\npath=b\n",
        "job.cfg", {});
    CHECK(sweep.seeds == std::vector<std::uint64_t>{1});
    CHECK(sweep.arms == std::vector<Arm>{Arm::dense, Arm::sham, Arm::compressed});
    CHECK(sweep.values(Axis::calibration) == std::vector<AxisValue>{"real"});
    CHECK(sweep.values(Axis::sparsity) == std::vector<AxisValue>{0.0});
    CHECK(sweep.values(Axis::distillation) == std::vector<AxisValue>{"embedding"});
    CHECK(sweep.recipe.preset == "quantface");
}

TEST_CASE("overrides win over the file, and the kept text is the job as it was run") {
    const Sweep sweep =
        parse_job(kJob, "job.cfg", {"axes.bits=32,4", "recipe.finetune_steps = 7", "data.rfw.path=/else=where", "sweep.seeds=9"});
    CHECK(sweep.values(Axis::bits) == std::vector<AxisValue>{Bits{32, 32}, Bits{4, 4}});
    CHECK(sweep.recipe.finetune_steps == 7);
    CHECK(sweep.data.at("rfw").path == "/else=where");
    CHECK(sweep.seeds == std::vector<std::uint64_t>{9});
    Sweep again = parse_job(sweep.source_text, "again", {});
    CHECK(again.source_text == sweep.source_text);
    CHECK(again.values(Axis::bits) == sweep.values(Axis::bits));
    CHECK(again.recipe.finetune_steps == 7);
    CHECK(again.constraints.size() == 2);
    CHECK_THAT(sweep.source_text, ContainsSubstring("path = ${FAIRSWEEP_TEST_DATA}/ms1mv2"));
}

TEST_CASE("overriding exclude replaces the file's rules as a whole") {
    CHECK(parse_job(kJob, "job.cfg", {"constraint.exclude="}).constraints.empty());
    const Sweep two = parse_job(kJob, "job.cfg", {"constraint.exclude=bits == 8", "constraint.exclude=seed > 1"});
    REQUIRE(two.constraints.size() == 2);
    CHECK(two.constraints[0].text == "bits == 8");
    CHECK(two.constraints[1].text == "seed > 1");
    const Sweep one = parse_job(kJob, "job.cfg", {"constraint.exclude=bits == 8"});
    CHECK(one.constraints.size() == 1);
}

TEST_CASE("only the dense arm may go without calibration data") {
    CHECK(parse_job(kJob, "job.cfg", {"sweep.arms=dense", "axes.calibration=none"}).values(Axis::calibration) ==
          std::vector<AxisValue>{AxisValue{}});
    CHECK_THROWS_WITH(parse_job(kJob, "job.cfg", {"axes.calibration=none"}), ContainsSubstring("arms = dense"));
}

TEST_CASE("a job is read from a file") {
    write_file_atomically("some job.cfg", std::string_view(kJob));
    CHECK(load_job("some job.cfg", {}).name == "rfw-quantisation");
    for (const char* path : {"absent.cfg", "."}) {
        INFO(path);
        try {
            static_cast<void>(load_job(path, {}));
            FAIL_CHECK("read");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
            CHECK(error.parts().where == path);
        }
    }
}

TEST_CASE("entries know their line") {
    const JobEntries entries("\n# c\n[a]\n  # more\nx = 1\n\n[b.c]\n y=2 # z = 3\r\nz =\n", "f.cfg", {"b.c.y=5", "n.m=6"});
    CHECK(entries.find("a", "x")->where == "f.cfg, line 5, key a.x");
    CHECK(entries.find("b.c", "z")->where == "f.cfg, line 9, key b.c.z");
    CHECK(entries.find("b.c", "z")->value.empty());
    CHECK(entries.find("b.c", "y")->value == "5");
    CHECK(entries.find("b.c", "y")->where == "--set b.c.y=5");
    CHECK(entries.find("n", "m")->value == "6");
    CHECK(entries.find("b", "y") == nullptr);
    CHECK(entries.text() == "[a]\nx = 1\n[b.c]\ny = 5\nz = \n[n]\nm = 6\n");
}
