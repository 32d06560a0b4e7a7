#include "external/external.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "external/watched_program.hpp"
#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/text.hpp"
#include "words/program_command.hpp"
#include "words/recipe_keys.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;
using How = WatchedEnd::How;

constexpr int kTryAgain = 75;  // EX_TEMPFAIL of sysexits.h

fs::path in_folder(const StageContext& context, const char* suffix) {
    return fs::absolute(context.folder) / (context.order.id.hex() + suffix);
}

/// Where the program writes: all of it in the artefact folder. The work folder of a stage is handed on from attempt to attempt.
/// While an attempt whose worker was taken for lost still runs, the next one begins from nothing in a folder of its own.
class OwnPaths {
public:
    explicit OwnPaths(const StageContext& context)
        : work(in_folder(context, ".work")),
          log(in_folder(context, ".log")),
          result(name_beside(in_folder(context, ".result"))),
          lock_(File::open_for_locking(in_folder(context, ".lock"))) {
        is_alone_ = has_lock();
        std::error_code error;
        if (is_alone_) {
            fs::rename(log, in_folder(context, ".before.log"), error);
        } else {
            work = name_beside(work);
            log = name_beside(log);
        }
        fs::create_directories(work);
    }
    ~OwnPaths() {
        std::error_code error;
        fs::remove_all(result, error);
        if (!is_alone_) fs::remove_all(work, error);
    }
    OwnPaths(const OwnPaths&) = delete;
    OwnPaths& operator=(const OwnPaths&) = delete;

    /// What only a stage that is not done yet needs.
    void forget_work() const {
        std::error_code error;
        fs::remove_all(work, error);
        if (is_alone_) fs::remove(lock_.path(), error);
    }

    fs::path work, log, result;

private:
    bool has_lock() {
        try {
            return lock_.try_lock();
        } catch (const Error&) {
            return true;  // no locks on this file system: who runs there anyway has been told what it means
        }
    }

    File lock_;
    bool is_alone_ = true;
};

/// Why the stage must not be run: what the program depends on is not what was planned; empty when it is.
std::string changed_depends(const StageContext& context) {
    const std::vector<std::string>& files = context.order.program.depends;
    if (files.empty()) return {};
    std::vector<Digest> contents;
    for (const std::string& file : files) {
        if (!fs::is_regular_file(file)) return fmt::format("{}: there is no such file here", file);
        contents.push_back(sha256_of_file(file));
    }
    if (digest_of_depends(contents) == context.parameters.depends) return {};
    return fmt::format("{}: not what {} when the sweep was planned", fmt::join(files, ", "),
                       files.size() == 1 ? "it was" : "they were");
}

/// The path of a data set that the command names. The order has them as the planner put them there.
std::string data_path(const StageContext& context, const std::string& placeholder) {
    std::size_t place = 0;
    for (const char* earlier : {"training_data", "calibration_data", "evaluation_data"}) {
        if (placeholder == earlier) break;
        if (names_placeholder(context.parameters.command, earlier)) ++place;
    }
    if (place < context.order.data.size()) return fs::absolute(context.order.data[place].path).string();
    throw_store({.attempted = "cannot run a program",
                 .where = "stage " + context.order.id.short_hex(),
                 .found = fmt::format("{} data sets in its order", context.order.data.size()),
                 .expected = "the set for {" + placeholder + "}"});
}

std::string value_of(const StageContext& context, const OwnPaths& paths, const std::string& placeholder) {
    const StageParameters& p = context.parameters;
    if (placeholder == "artefact") return paths.result.string();
    if (placeholder == "work") return paths.work.string();
    if (placeholder == "baseline") return fs::absolute(context.artefact_of(context.need(StageKind::baseline))).string();
    if (placeholder.ends_with("_data")) return data_path(context, placeholder);
    if (placeholder.starts_with("recipe.")) return recipe_text(p.recipe, *find_recipe_key(placeholder.substr(7)));
    if (placeholder == "threads") return std::to_string(p.recipe.threads_per_stage);
    if (placeholder == "architecture") return p.architecture;
    if (placeholder == "training_set") return p.training_set;
    if (placeholder == "bits") return p.bits.text();
    if (placeholder == "weight_bits") return std::to_string(p.bits.weight);
    if (placeholder == "activation_bits") return std::to_string(p.bits.activation);
    if (placeholder == "calibration") return p.calibration;
    if (placeholder == "sparsity") return exact_number(p.sparsity);
    if (placeholder == "pruning") return p.pruning;
    if (placeholder == "distillation") return p.distillation;
    if (placeholder == "arm") return p.arm;
    if (placeholder == "seed") return std::to_string(p.seed);
    check_failed("placeholder", "a placeholder without a value");
}

/// What belongs to our ranks would make a program that uses MPI itself believe that it is one of them.
Environment program_environment(const StageContext& context) {
    Environment environment = environment_of_process();
    for (const char* name_start : {"OMPI_", "PMIX_", "PRTE_", "PMI_", "FAIRSWEEP_"}) drop_variables(environment, name_start);
    set_variable(environment, "OMP_NUM_THREADS", std::to_string(context.parameters.recipe.threads_per_stage));
    return environment;
}

std::string name_of_signal(int number) {
    const char* name = ::sigabbrev_np(number);
    return name == nullptr ? std::to_string(number) : std::string("SIG") + name;
}

/// "...: its last words (its output: FILE)".
std::string with_output(const std::string& what, const WatchedEnd& end, const OwnPaths& paths) {
    return fmt::format("{}{} (its output: {})", what, end.last_words.empty() ? "" : ": " + end.last_words, paths.log.string());
}

StageOutcome outcome_of_signal(const WatchedEnd& end, const OwnPaths& paths) {
    const std::string what = "the program was killed by " + name_of_signal(end.code);
    if (end.code == SIGKILL)
        return failed_outcome(FailureClass::out_of_memory,
                              with_output(what + ", perhaps by the kernel for want of memory", end, paths));
    // Whoever ends a job on a cluster sends these to all its processes.
    const bool is_from_outside = end.code == SIGTERM || end.code == SIGINT || end.code == SIGHUP;
    return failed_outcome(is_from_outside ? FailureClass::io : FailureClass::config, with_output(what, end, paths));
}

StageOutcome outcome_of_exit(const WatchedEnd& end, const OwnPaths& paths) {
    const bool is_temporary = end.code == kTryAgain;
    return failed_outcome(is_temporary ? FailureClass::io : FailureClass::config,
                          with_output(fmt::format("the program ended with exit code {}{}", end.code,
                                                  is_temporary ? ", which asks for another attempt" : ""),
                                      end, paths));
}

StageOutcome keep_result(const StageContext& context, const WatchedEnd& end, const OwnPaths& paths) {
    std::error_code error;
    const auto size_bytes = fs::is_regular_file(paths.result, error) ? fs::file_size(paths.result, error) : 0;
    if (error || size_bytes == 0)
        return failed_outcome(
            FailureClass::config,
            with_output("the program ended well and left no result: it must write a file to {artefact}", end, paths));
    const std::string& kind = context.parameters.result;
    if (kind == kResultScores) return keep_scores(context, paths.result);
    if (kind == kResultEmbeddings) return keep_embeddings(context, paths.result);
    return keep_checkpoint(context, paths.result);
}

StageOutcome outcome_of_no_start(const std::string& program, int error_number) {
    const bool is_temporary = error_number == EAGAIN || error_number == ENOMEM || error_number == ETXTBSY;
    std::error_code error;
    const bool lacks_interpreter = error_number == ENOENT && fs::exists(program, error);
    return failed_outcome(
        is_temporary ? FailureClass::io : FailureClass::config,
        fmt::format("the program cannot be started: {}: {}{}", program, describe_errno(error_number),
                    lacks_interpreter ? ", though it exists: its first line names an interpreter that does not" : ""));
}

StageOutcome outcome_of(const StageContext& context, const std::string& program, const WatchedEnd& end, const OwnPaths& paths) {
    switch (end.how) {
        case How::not_started:
            return outcome_of_no_start(program, end.code);
        case How::stopped:
            return preempted_outcome();
        case How::out_of_time:
            return failed_outcome(FailureClass::hang, with_output(fmt::format("the program ran longer than its time_limit_s = {}",
                                                                              exact_number(context.order.program.time_limit_s)),
                                                                  end, paths));
        case How::killed:
            return outcome_of_signal(end, paths);
        case How::exited:
            return end.code == 0 ? keep_result(context, end, paths) : outcome_of_exit(end, paths);
    }
    return failed_outcome(FailureClass::internal, "a program ended in an unknown way");
}

}  // namespace

StageOutcome run_external(const StageContext& context) {
    if (const std::string changed = changed_depends(context); !changed.empty())
        return failed_outcome(FailureClass::config, "files that the program depends on have changed: " + changed);
    const OwnPaths paths(context);
    const double left_before_s = written_unix_s(context.own_artefact());
    const std::vector<std::string> words = filled_words(
        context.parameters.command, [&](const std::string& placeholder) { return value_of(context, paths, placeholder); });
    const double limit_s = context.order.program.time_limit_s;
    const WatchedEnd end =
        run_watched(words, program_environment(context), context.order.program, paths.log, [&](double elapsed_s) {
            if (context.monitor.on_progress) context.monitor.on_progress(std::min(0.99, elapsed_s / limit_s));
            return !context.stop_requested();
        });
    // Programs need not do the same twice: what another attempt has left meanwhile may be in use.
    const bool is_good = end.how == How::exited && end.code == 0;
    if (is_good && written_unix_s(context.own_artefact()) != left_before_s) {
        paths.forget_work();
        return failed_outcome(FailureClass::io, "another attempt of this stage has left a result");
    }
    StageOutcome outcome = outcome_of(context, words.front(), end, paths);
    outcome.peak_memory_bytes = end.peak_memory_bytes;
    if (outcome.state == StageState::done) paths.forget_work();
    return outcome;
}

}  // namespace fairsweep
