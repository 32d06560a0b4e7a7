/// Every way in which a job file can be wrong is one usage error that says where, what was found and what helps.
#include "fairsweep/error.hpp"
#include "job/job.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

const std::string kGood =
    "[sweep]\n"                          // 1
    "name = x\n"                         // 2
    "[axes]\n"                           // 3
    "architecture = iresnet10-w16-56\n"  // 4
    "training_set = faces\n"             // 5
    "bits = 32, 4\n"                     // 6
    "calibration = real, synthetic\n"    // 7
    "sparsity = 0, 0.7\n"                // 8
    "[evaluation]\n"                     // 9
    "data = test\n"                      // 10
    "[data.faces]\n"                     // 11
    "format = recordio\n"                // 12
    "path = faces\n"                     // 13
    "[data.synthetic]\n"                 // 14
    "format = recordio\n"                // 15
    "path = synthetic\n"                 // 16
    "[data.test]\n"                      // 17
    "format = rfw\n"                     // 18
    "path = test\n";                     // 19

std::string message_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
    try {
        static_cast<void>(parse_job(text, "job.cfg", overrides));
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        CHECK_FALSE(error.parts().where.empty());
        CHECK_FALSE(error.parts().found.empty());
        return error.what();
    }
    FAIL_CHECK("accepted");
    return {};
}

std::string replaced(const std::string& from, const std::string& to) {
    std::string text = kGood;
    const auto position = text.find(from);
    REQUIRE(position != std::string::npos);
    return text.replace(position, from.size(), to);
}

}  // namespace

TEST_CASE("the good job is good") { CHECK_NOTHROW(parse_job(kGood, "job.cfg", {})); }

TEST_CASE("wrong values are reported with line, key and help") {
    struct Case {
        const char* from;
        const char* to;
        const char* where;
        const char* reported;
    };
    const Case cases[] = {
        {"bits = 32, 4", "bits = 0", "line 6, key axes.bits", "2 to 16 or 32"},
        {"bits = 32, 4", "bits = 33", "line 6", "2 to 16 or 32"},
        {"bits = 32, 4", "bits = 1", "line 6", "2 to 16 or 32"},
        {"bits = 32, 4", "bits = 17", "line 6", "'17'"},
        {"bits = 32, 4", "bits = -4", "line 6", "'-4'"},
        {"bits = 32, 4", "bits = w4", "line 6", "w4a8"},
        {"bits = 32, 4", "bits = w4a", "line 6", "w4a8"},
        {"bits = 32, 4", "bits = w1a8", "line 6", "w1a8"},
        {"bits = 32, 4", "bits = 8 4", "line 6", "'8 4'"},
        {"bits = 32, 4", "bits = 4.5", "line 6", "'4.5'"},
        {"bits = 32, 4", "bits = 99999999999999999999", "line 6", "2 to 16"},
        {"bits = 32, 4", "bits =", "line 6", "at least one value"},
        {"bits = 32, 4", "bits = 32,,4", "line 6", "empty place"},
        {"bits = 32, 4", "bits = 32, 4,", "line 6", "empty place"},
        {"bits = 32, 4", "bits = 4, 4", "line 6", "twice"},
        {"bits = 32, 4", "bits = 4, w4a4", "line 6", "repeats a value"},
        {"sparsity = 0, 0.7", "sparsity = 1.0", "line 8", "below 1"},
        {"sparsity = 0, 0.7", "sparsity = -0.1", "line 8", "below 1"},
        {"sparsity = 0, 0.7", "sparsity = nan", "line 8", "below 1"},
        {"sparsity = 0, 0.7", "sparsity = 70%", "line 8", "'70%'"},
        {"sparsity = 0, 0.7", "sparsity = 0.7, 0.70", "line 8", "repeats a value"},
        {"sparsity = 0, 0.7", "sparsity =", "line 8", "at least one value"},
        {"iresnet10-w16-56", "iresnet10-w8-56", "line 4", "multiple of 8 in 16"},
        {"iresnet10-w16-56", "iresnet10-w20-56", "line 4", "multiple of 8"},
        {"iresnet10-w16-56", "iresnet10-w16-57", "line 4", "multiple of 8"},
        {"iresnet10-w16-56", "iresent18", "line 4", "did you mean 'iresnet18'?"},
        {"iresnet10-w16-56", "mobilfacenet", "line 4", "did you mean 'mobilefacenet'?"},
        {"iresnet10-w16-56", "fer-cnn", "line 4", "not available yet"},
        {"iresnet10-w16-56", "", "line 4", "at least one value"},
        {"training_set = faces", "training_set = face", "line 5", "did you mean 'faces'?"},
        {"training_set = faces", "training_set = imagenet", "line 5", "add [data.imagenet]"},
        {"calibration = real, synthetic", "calibration = real, sinthetic", "line 7", "did you mean 'synthetic'?"},
        {"calibration = real, synthetic", "calibration = none", "line 7", "arms = dense"},
        {"data = test", "data = tests", "line 10", "did you mean 'test'?"},
        {"name = x", "name = a/b", "line 2", "letters, digits"},
        {"name = x", "name =", "line 2", "letters, digits"},
        {"name = x", "name = x\ntask = expression", "line 3", "not available yet"},
        {"name = x", "name = x\ntask = verify", "line 3", "verification"},
        {"name = x", "name = x\nseeds = 1, -2", "line 3", "'-2'"},
        {"name = x", "name = x\nseeds = 9007199254740992", "line 3", "9007199254740991"},
        {"name = x", "name = x\nseeds = 1, 1", "line 3", "twice"},
        {"name = x", "name = x\narms = dens", "line 3", "dense, sham, compressed"},
        {"name = x", "name = x\nname = y", "line 3", "given twice"},
        {"name = x", "name = x\nseed = 1", "line 3", "did you mean 'seeds'?"},
        {"calibration =", "calibraton =", "line 7, key axes.calibraton", "did you mean 'calibration'?"},
        {"[axes]", "[axis]", "line 4", "did you mean 'axes'?"},
        {"[evaluation]", "[evaluation", "line 9", "[section], key = value"},
        {"[sweep]\n", "", "line 1", "before any [section]"},
        {"[sweep]\n", "[sweep]\nhello\n", "line 2", "'hello'"},
        {"path = test", "path = ${HOME", "line 19", "a } for every ${"},
        {"path = test", "path = ${1A}", "line 19", "${VARIABLE}"},
        {"path = test", "path = ${}", "line 19", "${VARIABLE}"},
        {"path = test", "path =", "line 19", "a path"},
        {"path = test", "paht = test", "line 19", "did you mean 'path'?"},
        {"path = test", "path = test\ngroups = A,,B", "line 20", "empty place"},
        {"[data.faces]", "[data.real]", "line 12", "own meaning"},
        {"[data.faces]", "[data.a b]", "line 12", "letters, digits"},
        {"[data.faces]", "[data.NAME.x]", "line 12", "letters, digits"},
        {"[evaluation]", "[recipe]\npreset = modren\n[evaluation]", "line 10", "did you mean 'modern'?"},
        {"[evaluation]", "[recipe]\nedge_bits = 8\n[evaluation]", "line 10", "preset quantface is fixed"},
        {"[evaluation]", "[recipe]\npreset = modern\nweight_range = lerned\n[evaluation]", "line 11", "did you mean 'learned'?"},
        {"[evaluation]", "[recipe]\npreset = modern\nrange_averaging = 0\n[evaluation]", "line 11", "above 0 to 1"},
        {"[evaluation]", "[recipe]\npreset = quantfaces\n[evaluation]", "line 10", "did you mean 'quantface'?"},
        {"[evaluation]", "[recipe]\nfinetune_step = 4\n[evaluation]", "line 10", "did you mean 'finetune_steps'?"},
        {"sparsity = 0, 0.7", "distillation = logits", "line 8", "embedding"},
        {"[evaluation]", "[constraint]\nexclude = bitz < 4\n[evaluation]", "line 10", "did you mean 'bits'?"},
        {"[evaluation]", "[constraint]\nexclude = architecture == iresent34\n[evaluation]", "line 10",
         "did you mean 'iresnet34'?"},
        {"[evaluation]", "[constraint]\nexclude = training_set == facs\n[evaluation]", "line 10", "did you mean 'faces'?"},
        {"[evaluation]", "[constraint]\nexclude = calibration == synthtic\n[evaluation]", "line 10", "did you mean 'synthetic'?"},
        {"[evaluation]", "[constraint]\nexclude = arm == shame\n[evaluation]", "line 10", "did you mean 'sham'?"},
        {"[evaluation]", "[constraint]\nexclude = bits == 33\n[evaluation]", "line 10", "a bit width"},
        {"[evaluation]", "[constraint]\nexclude = bits == four\n[evaluation]", "line 10", "a bit width"},
        {"[evaluation]", "[constraint]\nexclude =\n[evaluation]", "line 10", "an axis"},
    };
    for (const Case& bad : cases) {
        INFO(bad.from << " -> " << bad.to);
        const std::string message = message_of(replaced(bad.from, bad.to));
        CHECK_THAT(message, ContainsSubstring(std::string("job.cfg, ") + bad.where));
        CHECK_THAT(message, ContainsSubstring(bad.reported));
    }
}

TEST_CASE("keys that must be there are asked for with an example") {
    for (const char* line : {"name = x\n", "architecture = iresnet10-w16-56\n", "training_set = faces\n", "bits = 32, 4\n",
                             "data = test\n", "format = rfw\n", "path = test\n"}) {
        INFO(line);
        CHECK_THAT(message_of(replaced(line, "")), ContainsSubstring("the job file lacks a key"));
    }
    CHECK_THAT(message_of(""), ContainsSubstring("sweep.name"));
    CHECK_THAT(message_of(replaced("[data.synthetic]\nformat = recordio\npath = synthetic\n", "")),
               ContainsSubstring("[data.synthetic]"));
}

TEST_CASE("how stages are run is checked as all else is") {
    const Sweep sweep = parse_job(kGood + "[run]\ncheckpoint_s = 5\n", "job.cfg", {});
    CHECK(sweep.run.checkpoint_s == 5);
    CHECK(parse_job(kGood, "job.cfg", {}).run.checkpoint_s == 60);
    CHECK(parse_job(kGood, "job.cfg", {}).run.team_ranks == 0);
    CHECK(parse_job(kGood + "[run]\nteam_ranks = auto\n", "job.cfg", {}).run.team_ranks == 0);
    CHECK(parse_job(kGood + "[run]\nteam_ranks = 4\n", "job.cfg", {}).run.team_ranks == 4);
    for (const char* wrong : {"0", "-1", "1.5", "2000", "all"})
        CHECK_THAT(message_of(kGood + "[run]\nteam_ranks = " + wrong + "\n"), ContainsSubstring("auto, or a whole number from 1 to 1024"));
    CHECK_THAT(message_of(kGood + "[run]\ncheckpoint_s = -1\n"), ContainsSubstring("a number from 0 to 86400"));
    CHECK_THAT(message_of(kGood + "[run]\ncheckpoints = 1\n"), ContainsSubstring("did you mean 'checkpoint_s'?"));
}

TEST_CASE("wrong overrides are reported as overrides") {
    CHECK_THAT(message_of(kGood, {"axes.bits=0"}), ContainsSubstring("--set axes.bits=0"));
    CHECK_THAT(message_of(kGood, {"axes.bitz=8"}), ContainsSubstring("did you mean 'bits'?"));
    for (const char* text : {"", "bits", "bits=8", "=", ".bits=8", "axes.=8", "axes.bits", "axes.bits=8\n[x]", "axes.bits=8#9"}) {
        INFO(text);
        CHECK_THAT(message_of(kGood, {text}), ContainsSubstring("section.key=value"));
    }
}

TEST_CASE("no prefix of a job file brings the reader down") {
    int accepted = 0;
    for (std::size_t length = 0; length < kGood.size(); ++length) {
        try {
            static_cast<void>(parse_job(kGood.substr(0, length), "job.cfg", {}));
            ++accepted;
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
        }
    }
    CHECK(accepted == 4);  // the last line may be "path = t", "te", "tes", or "test" without the line's end
}
