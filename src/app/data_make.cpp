/// fairsweep data make: the procedural faces.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <iostream>
#include <thread>

#include "commands.hpp"
#include "faces/contact_sheet.hpp"
#include "faces/make_data.hpp"
#include "fairsweep/error.hpp"
#include "fairsweep/log.hpp"
#include "fairsweep/text.hpp"

namespace fairsweep {
namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

constexpr CommandHelp kHelp{
    "fairsweep data make --out DIR [--groups A,B,C,D|FILE] [--identities N] [--images N] [--pairs N] [--expressions N] [--seed "
    "S] ...",
    "Draws procedural faces and writes them as the real sets come: DIR/train and DIR/synthetic (RecordIO, aligned 112x112 "
    "JPEG), DIR/test (RFW tree: 400x400 crops, landmarks, pairs in ten folds), DIR/planted.json (the difficulty planted in "
    "each group). The same options give the same bytes. Groups imitate no race.\n"
    "--expressions N adds DIR/expressions/train and DIR/expressions/test (format manifest): aligned faces of four classes, "
    "neutral, "
    "happy, surprised and sleepy. N people per group in each, other people in both, each with one image of every class.\n"
    "A groups file has one group a line, `name,spread,noise`: identities' spread around their group's look (1 normal, 0.25 "
    "look-alikes) and the images' noise (1 normal); # starts a comment. Names alone: one of them, drawn from the seed, is hard.",
    "  fairsweep data make --out faces --seed 1\n"
    "  fairsweep data make --out faces-small --identities 10 --images 8 --test-identities 20 --pairs 80 --jobs 2\n"
    "  printf 'A,1,1\\nB,0.25,2.5\\n' > groups.csv; fairsweep data make --out two-groups --groups groups.csv\n"
    "  fairsweep data make --out faces --expressions 200      # and 3200 + 3200 faces with expressions\n"
    "  fairsweep data make --contact-sheet sheet.png          # look at them, write no data"};

/// A bar on a terminal, a line every tenth elsewhere.
class Progress {
public:
    void operator()(std::uint64_t done, std::uint64_t total) {
        const std::uint64_t percent = 100 * done / total;
        if (on_terminal_ ? percent == last_percent_ : percent / 10 == last_percent_ / 10) return;
        last_percent_ = percent;
        const double elapsed_s = std::chrono::duration<double>(Clock::now() - start_).count();
        const double left_s = elapsed_s * static_cast<double>(total - done) / static_cast<double>(done);
        if (on_terminal_) {
            const std::string bar(percent * 3 / 10, '#');
            std::cerr << fmt::format("\r[{:<30}] {:3} %  {} of {} faces, {} left   ", bar, percent, done, total,
                                     human_duration(left_s))
                      << (done == total ? "\n" : "") << std::flush;
        } else {
            log_info(fmt::format("{} of {} faces, {} left", done, total, human_duration(left_s)));
        }
    }

private:
    bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
    std::uint64_t last_percent_ = 0;
    Clock::time_point start_ = Clock::now();
};

/// Boost reads "-3" into an unsigned as a huge number: read text and refuse by name.
std::uint64_t whole_number(const po::variables_map& values, const char* name) {
    const auto text = values[name].as<std::string>();
    const bool digits = !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
    if (!digits) {
        throw_usage({.attempted = "cannot understand a number",
                     .where = std::string("--") + name,
                     .found = "'" + text + "'",
                     .expected = "a whole number, not negative"});
    }
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::uint32_t count(const po::variables_map& values, const char* name) {
    const std::uint64_t value = whole_number(values, name);
    return value > 0xFFFFFFFFULL ? 0xFFFFFFFFU : static_cast<std::uint32_t>(value);  // far past every limit: refused later
}

po::options_description make_options() {
    const auto number = [](const char* standard) { return po::value<std::string>()->default_value(standard); };
    po::options_description options("options");
    options.add_options()("out", po::value<std::string>(), "folder to make; nothing is there before all is")(
        "groups", po::value<std::string>()->default_value("A,B,C,D"), "names, or a file with lines name,spread,noise")(
        "identities", number("50"), "training identities per group")("images", number("20"), "images per training identity")(
        "calibration-identities", number("100"), "identities per group of the synthetic calibration set")(
        "calibration-images", number("10"), "images per calibration identity")(
        "test-identities", number("150"), "test identities per group")("pairs", number("1200"),
                                                                       "test pairs per group, a multiple of 20")(
        "expressions", number("0"), "images per class and group of expressions/train, and of expressions/test; 0: none")(
        "seed", number("1"), "other seeds give other people, looks and hardest group")(
        "jobs", number("0"), "threads; 0: one per core; the bytes do not depend on it")(
        "contact-sheet", po::value<std::string>(), "write some faces of every group into this PNG");
    return options;
}

}  // namespace

int data_make(const Arguments& arguments) {
    po::variables_map values;
    if (!parse_arguments(arguments, kHelp, make_options(), {}, values)) return 0;
    faces::FaceDataParameters parameters;
    parameters.seed = whole_number(values, "seed");
    parameters.groups = faces::parse_groups(values["groups"].as<std::string>(), parameters.seed);
    parameters.identities = count(values, "identities");
    parameters.images = count(values, "images");
    parameters.calibration_identities = count(values, "calibration-identities");
    parameters.calibration_images = count(values, "calibration-images");
    parameters.test_identities = count(values, "test-identities");
    parameters.pairs = count(values, "pairs");
    parameters.expressions = count(values, "expressions");
    std::uint64_t jobs = whole_number(values, "jobs");
    if (jobs == 0) jobs = std::max(1U, std::thread::hardware_concurrency());
    if (jobs > 256) {
        throw_usage({.attempted = "cannot start this number of threads",
                     .where = "--jobs",
                     .found = std::to_string(jobs),
                     .expected = "0 to 256"});
    }
    if (values.count("out") == 0 && values.count("contact-sheet") == 0) {
        throw_usage({.attempted = "no folder was named", .where = kHelp.usage, .expected = "--out DIR"});
    }
    faces::check_parameters(parameters);
    if (values.count("contact-sheet") != 0) {
        faces::write_contact_sheet(values["contact-sheet"].as<std::string>(), parameters.groups, parameters.seed, 4, 8);
    }
    if (values.count("out") == 0) return 0;
    const std::string folder = values["out"].as<std::string>();
    if (folder.empty())
        throw_usage({.attempted = "no folder was named", .where = "--out", .found = "''", .expected = "--out DIR"});
    const auto result = faces::make_data(folder, parameters, static_cast<unsigned>(jobs), Progress{});
    log_info(result == faces::MakeResult::made ? fmt::format("{} faces in {}", faces::total_images(parameters), folder)
                                               : folder + " is there already");
    return 0;
}

}  // namespace fairsweep
