/// External stages, as the runner runs them: every way in which a program can end, and every result that it can leave.
#include "external/external.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "fairsweep/dataset.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "hand_made_plan.hpp"
#include "plan/stage_order.hpp"
#include "store/embedding_file.hpp"
#include "study/items.hpp"
#include "study/runner.hpp"
#include "support/catch.hpp"
#include "words/program_command.hpp"

using namespace fairsweep;
using namespace fairsweep::study_test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kNetwork = "mobilefacenet-w16-56";

/// A trained baseline and prepared faces, made once, and a runner for programs in a folder whose name has a blank.
struct World {
    World() : builder((make_small_faces("faces"), "faces")) {
        prepare = builder.prepare(56);
        baseline = builder.baseline(kNetwork, 1, small_recipe());
        fill_with_done("all artefacts", builder.plan, {prepare, baseline});
        StageFunctions functions = study_functions();
        functions[StageKind::external] = run_external;
        runner = make_stage_runner("all artefacts", functions);
    }

    StageIndex add(const std::string& command, const std::string& result = "checkpoint", const Digest& depends = {}) {
        StageParameters p;
        p.kind = StageKind::external;
        p.architecture = kNetwork;
        p.command = command;
        p.result = result;
        p.depends = depends;
        p.bits = {4, 8};
        p.seed = 7;
        p.arm = "compressed";
        const DataSource& test = builder.plan.data.at("test").source;
        p.evaluation_data = builder.plan.data.at(test.name).id;
        std::vector<SharedText> data;
        if (command.find("{training_data}") != std::string::npos) data.emplace_back("train");
        if (command.find("{calibration_data}") != std::string::npos) data.emplace_back("synthetic");
        if (result != "checkpoint") data.emplace_back("test");
        const bool has_baseline = command.find("{baseline}") != std::string::npos;
        return builder.add(p, has_baseline ? std::vector<StageIndex>{baseline} : std::vector<StageIndex>{}, data);
    }

    /// `sh -c SCRIPT sh {artefact} ...`: in the script $1 is the file to write.
    StageIndex shell(const std::string& script, const std::string& more = {}, const std::string& result = "checkpoint") {
        return add("/bin/sh -c '" + script + "' sh {artefact} " + more, result);
    }

    StageOutcome outcome(StageIndex stage, const ProgramSettings& settings = {}, const StageMonitor& monitor = {}) {
        StageOrder order = order_of(builder.plan, stage, std::vector<Digest>(builder.plan.stages.size()));
        order.program = settings;
        return runner->run(order, monitor);
    }

    fs::path file(StageIndex stage, const char* suffix) const {
        return fs::path("all artefacts") / (builder.plan.stages[stage].id.hex() + suffix);
    }

    PlanBuilder builder;
    std::unique_ptr<StageRunner> runner;
    StageIndex prepare = 0, baseline = 0;
};

void check_failed(const StageOutcome& outcome, FailureClass failure, const std::string& says) {
    CHECK(outcome.state == StageState::failed);
    CHECK(std::string(name_of(outcome.failure)) == name_of(failure));
    CHECK_THAT(outcome.message, ContainsSubstring(says));
}

std::unique_ptr<VerificationSet> test_set(const World& world) {
    return open_verification_set(world.builder.plan.data.at("test").source);
}

/// group,same,score of every pair, in order; score of pair i is i / pairs.
std::vector<std::string> score_lines(const VerificationSet& set) {
    std::vector<std::string> lines{"group,same,score,identity_a,identity_b"};
    const ItemTable table = item_table_of(set);
    for (std::size_t g = 0; g < table.groups.size(); ++g)
        for (std::uint32_t i = table.group_begin[g]; i < table.group_begin[g + 1]; ++i)
            lines.push_back(table.groups[g] + "," + std::to_string(table.label[i]) + "," +
                            std::to_string(static_cast<double>(i) / table.size()) + ",p" + std::to_string(table.identity_a[i]) +
                            ",p" + std::to_string(table.identity_b[i]));
    return lines;
}

void write_lines(const fs::path& path, const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    write_file_atomically(path, text);
}

EmbeddingTable embeddings_of(const VerificationSet& set) {
    EmbeddingTable table;
    table.dimensions = 3;
    for (const VerificationGroup& group : set.groups())
        for (const std::string& path : group.image_paths) {
            const auto i = static_cast<float>(table.images++);
            table.paths.push_back("/elsewhere/" + path);
            for (const float value : {1.0F, i, i * i - 50.0F}) table.embeddings.push_back(value);
        }
    return table;
}

}  // namespace

TEST_CASE("a program's checkpoint becomes a network that evaluates as the same weights do", "[external]") {
    World w;
    const StageIndex copy = w.add("/bin/cp {baseline} {artefact}");
    const StageOutcome outcome = w.outcome(copy);
    INFO(outcome.message);
    REQUIRE(outcome.state == StageState::done);
    CHECK(outcome.artefact == sha256_of_file(w.file(copy, ".ext")));
    CHECK(outcome.artefact_bytes == fs::file_size(w.file(copy, ".ext")));
    CHECK(w.runner->artefact_present(StageKind::external, w.builder.plan.stages[copy].id, outcome));
    CHECK(outcome.peak_memory_bytes > 0);
    CHECK_FALSE(fs::exists(w.file(copy, ".work")));
    const StageOutcome own = w.outcome(w.builder.evaluation(w.baseline, w.prepare, small_recipe()));
    const StageOutcome external = w.outcome(w.builder.evaluation(copy, w.prepare, small_recipe()));
    INFO(external.message);
    CHECK(external.state == StageState::done);
    CHECK(external.scores == own.scores);
    CHECK(w.outcome(copy).artefact == outcome.artefact);
}

TEST_CASE("placeholders have their values, and the environment is that of no rank", "[external]") {
    World w;
    ::setenv("OMPI_COMM_WORLD_RANK", "3", 1);
    ::setenv("FAIRSWEEP_LAUNCHED", "x", 1);
    const StageIndex stage = w.add(
        "/bin/sh -c 'printf \"%s\\n\" \"$@\" > told; env > environment; cp \"$1\" \"$2\"; touch \"$3\"/state' sh {baseline} "
        "{artefact} "
        "{work} {training_data} {calibration_data} {bits} w={weight_bits},a={activation_bits} {seed} {arm} {architecture} "
        "{recipe.flip} {threads} \"{{x}} y\"");
    const StageOutcome outcome = w.outcome(stage);
    ::unsetenv("OMPI_COMM_WORLD_RANK");
    ::unsetenv("FAIRSWEEP_LAUNCHED");
    INFO(outcome.message);
    REQUIRE(outcome.state == StageState::done);
    std::ifstream in("told");
    std::vector<std::string> told;
    for (std::string line; std::getline(in, line);) told.push_back(line);
    REQUIRE(told.size() == 13);
    CHECK(told[0] == fs::absolute(w.file(w.baseline, ".ckpt")).string());
    CHECK(fs::path(told[1]).parent_path() == fs::absolute("all artefacts"));
    CHECK(told[1] != fs::absolute(w.file(stage, ".ext")).string());
    CHECK(told[3] == fs::absolute("faces/train").string());
    CHECK(told[4] == fs::absolute("faces/synthetic").string());
    CHECK(std::vector<std::string>(told.begin() + 5, told.end()) ==
          std::vector<std::string>{"w4a8", "w=4,a=8", "7", "compressed", kNetwork, "true", "1", "{x} y"});
    const std::string environment = read_text_file("environment");
    CHECK_THAT(environment, !ContainsSubstring("OMPI_") && !ContainsSubstring("FAIRSWEEP_LAUNCHED") &&
                                ContainsSubstring("OMP_NUM_THREADS=1\n") && ContainsSubstring("PATH="));
    CHECK_FALSE(fs::exists(told[1]));  // what was rewritten is not kept twice
}

TEST_CASE("every way to fail has its class and says what helps", "[external]") {
    World w;
    const StageOutcome exit = w.outcome(w.shell("echo Traceback; echo ValueError: bits >&2; exit 3"));
    check_failed(exit, FailureClass::config, "exit code 3: Traceback / ValueError: bits");
    CHECK_THAT(exit.message, ContainsSubstring(".log"));
    check_failed(w.outcome(w.shell("exit 75")), FailureClass::io, "asks for another attempt");
    check_failed(w.outcome(w.shell("kill -KILL $$")), FailureClass::out_of_memory, "perhaps by the kernel for want of memory");
    check_failed(w.outcome(w.shell("kill -SEGV $$")), FailureClass::config, "SIGSEGV");
    check_failed(w.outcome(w.shell("kill -TERM $$")), FailureClass::io, "SIGTERM");
    check_failed(w.outcome(w.add("no-such-program {artefact}")), FailureClass::config, "cannot be started: no-such-program");
    write_file_atomically("script", std::string_view("#!/no/such/python\n"));
    fs::permissions("script", fs::perms::owner_all);
    check_failed(w.outcome(w.add("./script {artefact}")), FailureClass::config, "names an interpreter that does not");
    check_failed(w.outcome(w.shell("while :; do sleep 0.02; done"), {.time_limit_s = 0.2, .grace_s = 0.1}), FailureClass::hang,
                 "time_limit_s = 0.2");
    check_failed(w.outcome(w.shell("exit 0")), FailureClass::config, "{artefact}");
    check_failed(w.outcome(w.shell(": > \"$1\"")), FailureClass::config, "{artefact}");
    check_failed(w.outcome(w.shell("echo no weights > \"$1\"")), FailureClass::config, "cannot read weights");
    check_failed(w.outcome(w.add("/bin/sh -c 'head -c 5000 \"$1\" > \"$2\"' sh {baseline} {artefact}")), FailureClass::config,
                 "");
}

TEST_CASE("asked to stop, a program ends, its work is kept, and the next attempt goes on from it", "[external]") {
    World w;
    const StageIndex stage =
        w.shell("if [ -e \"$2\"/half ]; then cp \"$3\" \"$1\"; exit 0; fi; touch \"$2\"/half; while :; do sleep 0.02; done",
                "{work} {baseline}");
    const fs::path half = w.file(stage, ".work") / "half";
    int beats = 0;
    const StageMonitor stop{.on_progress = [&beats](double) { ++beats; }, .stop_requested = [&half] { return fs::exists(half); }};
    const StageOutcome stopped = w.outcome(stage, {}, stop);
    CHECK(stopped.state == StageState::preempted);
    CHECK(stopped.failure == FailureClass::preempted);
    CHECK(beats > 0);
    CHECK(fs::exists(half));
    CHECK_FALSE(fs::exists(w.file(stage, ".ext")));
    CHECK(w.outcome(stage).state == StageState::done);
    CHECK_FALSE(fs::exists(half));
}

TEST_CASE("a second attempt beside a living one starts from nothing, and the first result stays", "[external]") {
    World w;
    // Each says in its work folder that it began; the first waits until the second has left its result.
    const StageIndex stage = w.shell(
        "[ -e \"$2\"/begun ] && exit 9; touch \"$2\"/begun; cp \"$3\" \"$1\"; "
        "if mkdir first; then until [ -e second.done ]; do sleep 0.02; done; fi",
        "{work} {baseline}");
    StageOutcome second;
    bool is_started = false;
    StageMonitor start_second;
    start_second.on_progress = [&](double) {
        if (is_started || !fs::exists("first")) return;
        is_started = true;
        second = w.outcome(stage);
        write_file_atomically("second.done", std::string_view("x"));
    };
    const StageOutcome first = w.outcome(stage, {}, start_second);
    INFO(second.message);
    CHECK(second.state == StageState::done);
    check_failed(first, FailureClass::io, "another attempt of this stage has left a result");
    CHECK(second.artefact == sha256_of_file(w.file(stage, ".ext")));
    std::size_t folders = 0;
    for (const auto& entry : fs::directory_iterator("all artefacts"))
        folders += entry.is_directory() && entry.path().string().find(w.builder.plan.stages[stage].id.hex()) != std::string::npos;
    CHECK(folders == 0);
}

TEST_CASE("files that a program depends on are the planned ones when it starts", "[external]") {
    World w;
    const StageIndex stage = w.add("/bin/cp {baseline} {artefact}", "checkpoint", digest_of_depends(std::vector{sha256("code")}));
    const ProgramSettings settings{.depends = {"my_qat.py"}};
    check_failed(w.outcome(stage, settings), FailureClass::config, "my_qat.py: there is no such file here");
    write_file_atomically("my_qat.py", std::string_view("code"));
    CHECK(w.outcome(stage, settings).state == StageState::done);
    write_file_atomically("my_qat.py", std::string_view("codes"));
    check_failed(w.outcome(stage, settings), FailureClass::config, "my_qat.py: not what it was when the sweep was planned");
}

TEST_CASE("a program ignores no signal because fairsweep does", "[external]") {
    World w;
    const auto before = std::signal(SIGUSR2, SIG_IGN);
    const StageOutcome outcome = w.outcome(w.shell("kill -USR2 $$; exit 4"));
    std::signal(SIGUSR2, before);
    check_failed(outcome, FailureClass::config, "SIGUSR2");
}

TEST_CASE("weights of another shape are refused by name, NaN is a divergence", "[external]") {
    World w;
    const std::string python =
        "/usr/bin/python3 -c 'import json, struct, sys; d = bytearray(open(sys.argv[1], \"rb\").read()); "
        "n = struct.unpack(\"<Q\", d[:8])[0]; h = json.loads(bytes(d[8:8 + n])); m = h.pop(\"__metadata__\"); ";
    const std::string write =
        "t = json.dumps(h).encode(); open(sys.argv[2], \"wb\").write(struct.pack(\"<Q\", len(t)) + t + d[8 + n:])' "
        "{baseline} {artefact}";
    const auto with = [&](const std::string& change) { return w.outcome(w.add(python + change + write)); };
    const StageOutcome plain = with("");
    INFO(plain.message);
    CHECK(plain.state == StageState::done);  // no longer ours: tensors of others, by their names
    const StageOutcome other = with("s = h[\"output_layer.linear.weight\"][\"shape\"]; s[0], s[1] = s[1], s[0]; ");
    check_failed(other, FailureClass::config, "output_layer.linear.weight");
    const StageOutcome nan =
        with("o = 8 + n + h[\"conv1.conv.weight\"][\"data_offsets\"][0]; d[o:o + 4] = b\"\\xff\\xff\\xff\\xff\"; ");
    CHECK(nan.state == StageState::diverged);
    CHECK(nan.failure == FailureClass::numeric);
}

TEST_CASE("a score table is taken pair by pair, and refused where it is of other pairs", "[external]") {
    World w;
    const auto set = test_set(w);
    const StageIndex stage = w.add("/bin/cp table.csv {artefact}", "scores");
    const std::vector<std::string> lines = score_lines(*set);
    write_lines("table.csv", lines);
    REQUIRE(w.outcome(stage).state == StageState::done);
    const StageOutcome evaluated = w.outcome(w.builder.evaluation(stage, w.prepare, small_recipe()));
    INFO(evaluated.message);
    REQUIRE(evaluated.state == StageState::done);
    const ItemTable table = item_table_of(*set);
    REQUIRE(evaluated.scores.size() == table.size());
    for (std::uint32_t i = 0; i < table.size(); ++i)
        CHECK(evaluated.scores[i] == Approx(static_cast<double>(i) / table.size()).margin(1e-6));
    CHECK(evaluated.groups.size() == 2);

    const auto refused = [&](const std::vector<std::string>& other, const std::string& says) {
        write_lines("table.csv", other);
        check_failed(w.outcome(stage), FailureClass::config, says);
    };
    std::vector<std::string> wrong = lines;
    wrong.pop_back();
    refused(wrong, "59 pairs of group B");
    wrong = lines;
    for (std::string& line : wrong)
        if (line.starts_with("B,")) line[0] = 'C';
    refused(wrong, "also group B");
    wrong = lines;
    const auto impostor = std::find_if(wrong.begin() + 1, wrong.end(), [](const auto& line) { return line.starts_with("A,0,"); });
    const auto genuine = std::find_if(wrong.begin() + 1, wrong.end(), [](const auto& line) { return line.starts_with("A,1,"); });
    const auto first_line = std::min(impostor, genuine) - wrong.begin() + 1;  // line 1 has the names
    std::iter_swap(impostor, genuine);
    refused(wrong, "line " + std::to_string(first_line));
    write_lines("table.csv", {lines[0], "A,1,nan,p,p"});
    CHECK(w.outcome(stage).state == StageState::diverged);
    write_lines("table.csv", {lines[0], "A,1,x,p,p"});
    check_failed(w.outcome(stage), FailureClass::config, "a finite number");
}

TEST_CASE("groups of a table may stand in any order, and people must be the same", "[external]") {
    World w;
    const auto set = test_set(w);
    const StageIndex stage = w.add("/bin/cp table.csv {artefact}", "scores");
    std::vector<std::string> lines = score_lines(*set);
    std::stable_sort(lines.begin() + 1, lines.end(), [](const auto& a, const auto& b) { return a[0] > b[0]; });
    write_lines("table.csv", lines);
    const StageOutcome outcome = w.outcome(stage);
    INFO(outcome.message);
    CHECK(outcome.state == StageState::done);
    // Two genuine pairs of different people change places: flags and counts are as they should be.
    const auto genuine = [&](std::size_t i) { return lines[i].substr(0, 4) == "A,1,"; };
    const auto people = [&](std::size_t i) { return lines[i].substr(lines[i].find(",p")); };
    std::vector<std::size_t> places;
    for (std::size_t i = 1; i < lines.size(); ++i)
        if (genuine(i) && (places.empty() || (places.size() == 1 && people(i) != people(places[0])))) places.push_back(i);
    REQUIRE(places.size() == 2);
    std::swap(lines[places[0]], lines[places[1]]);
    write_lines("table.csv", lines);
    const StageOutcome swapped = w.outcome(stage);
    check_failed(swapped, FailureClass::config, "a person who was another one");
    lines = score_lines(*set);
    lines[1] = lines[1].substr(0, 4) + "1.5" + lines[1].substr(lines[1].find(",p"));
    write_lines("table.csv", lines);
    check_failed(w.outcome(stage), FailureClass::config, "similarities from -1 to 1");
}

TEST_CASE("embeddings are matched to the pairs by their paths", "[external]") {
    World w;
    const auto set = test_set(w);
    const StageIndex stage = w.add("/bin/cp faces.h5 {artefact}", "embeddings");
    EmbeddingTable table = embeddings_of(*set);
    write_embedding_file("faces.h5", table);
    const StageOutcome outcome = w.outcome(stage);
    INFO(outcome.message);
    REQUIRE(outcome.state == StageState::done);
    const StageOutcome evaluated = w.outcome(w.builder.evaluation(stage, w.prepare, small_recipe()));
    REQUIRE(evaluated.scores.size() == item_table_of(*set).size());
    const VerificationPair& pair = set->groups()[0].pairs[5];
    double dot = 0, a = 0, b = 0;
    for (std::size_t d = 0; d < 3; ++d) {
        const double x = static_cast<double>(table.embeddings[3 * pair.image_a + d]);
        const double y = static_cast<double>(table.embeddings[3 * pair.image_b + d]);
        dot += x * y, a += x * x, b += y * y;
    }
    CHECK(static_cast<double>(evaluated.scores[5]) == Approx(dot / std::sqrt(a * b)).margin(1e-6));

    table.embeddings[0] = std::numeric_limits<float>::quiet_NaN();
    write_embedding_file("faces.h5", table);
    CHECK(w.outcome(stage).state == StageState::diverged);
    table.embeddings[0] = 1.0F;
    table.paths[0] = "/elsewhere/nobody.jpg";
    write_embedding_file("faces.h5", table);
    check_failed(w.outcome(stage), FailureClass::config, "has no embedding");
    write_file_atomically("faces.h5", std::string_view("no HDF5"));
    CHECK(w.outcome(stage).failure == FailureClass::config);
}
