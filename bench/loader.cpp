// How fast are batches of faces decoded ahead? Images a second of the loader that trainings use, against libjpeg-turbo alone in
// as many threads on bytes that lie in memory, and against a torch DataLoader with OpenCV in as many processes (loader_race.py).
// The set is procedural faces of 112 x 112 in a RecordIO; its pages are in the cache of the kernel for all of them.
#include <fmt/format.h>
#include <turbojpeg.h>

#include <boost/program_options.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "data/recordio_set.hpp"
#include "faces/sets.hpp"
#include "fairsweep/dataset.hpp"
#include "python_race.hpp"
#include "study/face_batches.hpp"
#include "timing.hpp"

namespace fairsweep {
namespace {

namespace fs = std::filesystem;

struct Options {
    std::string folder = "bench-loader.set", python;
    int images = 4096, batch = 64, threads = 2, rounds = 7;
    bool race = true, json = false;
};

struct Encoded {
    std::vector<std::vector<std::byte>> images;
    std::uint64_t bytes = 0;
};

Encoded read_encoded(const fs::path& folder) {
    const RecordioSet set = read_recordio_set(folder);
    Encoded all;
    for (std::uint64_t image = 0; image < set.image_offsets.size(); ++image) {
        const Record record = set.reader.read(set.image_offsets[image], set.key_of(image));
        const std::span<const std::byte> bytes = decode_image_record(record.payload, {}).encoded;
        all.images.emplace_back(bytes.begin(), bytes.end());
        all.bytes += bytes.size();
    }
    return all;
}

/// libjpeg-turbo and nothing else: every `step`th image into the same place. The flags are those of src/data/jpeg.cpp.
void decode_bare(const Encoded& encoded, std::size_t first, std::size_t step) {
    const std::unique_ptr<void, int (*)(tjhandle)> codec(tjInitDecompress(), tjDestroy);
    constexpr int kSide = faces::kAlignedSize;
    std::vector<unsigned char> pixels(std::size_t{3} * kSide * kSide);
    for (std::size_t i = first; i < encoded.images.size(); i += step) {
        const std::vector<std::byte>& image = encoded.images[i];
        if (tjDecompress2(codec.get(), reinterpret_cast<const unsigned char*>(image.data()), image.size(), pixels.data(), kSide,
                          0, kSide, TJPF_RGB, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS) != 0)
            throw std::runtime_error(tjGetErrorStr2(codec.get()));
    }
}

void decode_bare_in_threads(const Encoded& encoded, int threads) {
    std::vector<std::jthread> all;
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&, t] { decode_bare(encoded, static_cast<std::size_t>(t), static_cast<std::size_t>(threads)); });
}

std::uint64_t load_epoch(const std::shared_ptr<FaceCache>& faces, const Options& options, std::uint64_t seed) {
    DataOrder order({.seed = seed, .data = 1}, faces->size(), options.batch, true);
    LoaderOptions how;
    how.end_batch = order.batches_per_epoch();
    how.threads = options.threads;
    FaceBatches batches(faces, std::move(order), how);
    std::uint64_t images = 0;
    for (std::int64_t batch = 0; batch < how.end_batch; ++batch) images += batches.next().size();
    return images;
}

std::unique_ptr<PythonRace> start_python(const Options& options, nlohmann::json& result) {
    if (!options.race) return nullptr;
    auto python = std::make_unique<PythonRace>(options.python, FAIRSWEEP_RACE_SCRIPT);
    result["opponent"] = python->ask("hello");
    python->ask(fmt::format("load {} {} {}", fs::absolute(options.folder).string(), options.batch, options.threads));
    return python;
}

nlohmann::json measure(const Options& options) {
    const auto people = static_cast<std::uint32_t>(std::max(1, options.images / 64));
    if (!fs::exists(fs::path(options.folder) / "property")) {
        fs::create_directories(options.folder);
        faces::write_training_set(options.folder, "train", faces::parse_groups("A", 1), {.identities = people, .images = 64}, 1,
                                  static_cast<unsigned>(options.threads), [](std::uint64_t) {});
    }
    const Encoded encoded = read_encoded(options.folder);
    const DataSource source{.name = "bench", .format = "recordio", .path = options.folder, .groups = {}};
    const auto faces = std::make_shared<FaceCache>(open_training_set(source), faces::kAlignedSize, 0);
    nlohmann::json result{{"bench", "loader"},
                          {"images", faces->size()},
                          {"threads", options.threads},
                          {"batch", options.batch},
                          {"runs", options.rounds},
                          {"unit", "images/s"},
                          {"bytes_an_image", encoded.bytes / encoded.images.size()}};
    const std::unique_ptr<PythonRace> python = start_python(options, result);
    std::vector<double> ours, bare, theirs;
    for (int round = 0; round < options.rounds; ++round) {
        std::uint64_t images = 0;
        const double seconds = seconds_of([&] { images = load_epoch(faces, options, static_cast<std::uint64_t>(round)); });
        ours.push_back(static_cast<double>(images) / seconds);
        bare.push_back(static_cast<double>(encoded.images.size()) /
                       seconds_of([&] { decode_bare_in_threads(encoded, options.threads); }));
        if (!python) continue;
        const nlohmann::json epoch = python->ask("epoch 1");
        theirs.push_back(epoch.at("images").get<double>() / epoch.at("seconds").get<double>());
    }
    result["figure"] = median(ours);
    result["bare_libjpeg"] = median(bare);
    result["of_bare"] = median(ours) / median(bare);
    if (!python) return result;
    result["raced"] = "bench/loader_race.py";
    result["raced_figure"] = median(theirs);
    result["ratio"] = median(ours) / median(theirs);
    return result;
}

void print_table(const nlohmann::json& r) {
    fmt::print("{} faces of 112 x 112, {} bytes each, batch {}, {} threads; medians of {} rounds\n", r["images"].get<int>(),
               r["bytes_an_image"].get<int>(), r["batch"].get<int>(), r["threads"].get<int>(), r["runs"].get<int>());
    fmt::print("  loader {:.0f} images/s; libjpeg-turbo alone {:.0f}: {:.2f} of it\n", r["figure"].get<double>(),
               r["bare_libjpeg"].get<double>(), r["of_bare"].get<double>());
    if (r.contains("raced"))
        fmt::print("  torch DataLoader {} with OpenCV {}: {:.0f} images/s, {:.2f} times\n",
                   r["opponent"]["torch"].get<std::string>(), r["opponent"]["opencv"].get<std::string>(),
                   r["raced_figure"].get<double>(), r["ratio"].get<double>());
}

Options parse(int count, char** words) {
    namespace po = boost::program_options;
    Options options;
    options.python = FAIRSWEEP_RACE_PYTHON;
    const auto number = [](int& value) { return po::value(&value)->default_value(value); };
    const auto text = [](std::string& value) { return po::value(&value)->default_value(value); };
    po::options_description known("bench_loader: images a second of the loader of trainings");
    known.add_options()("help", "this text")("json", "one JSON object on standard output")("no-race", "do not start Python")(
        "folder", text(options.folder), "the RecordIO set; made when it is not there")(
        "images", number(options.images), "of a set that is made")("batch", number(options.batch), "images at a time")(
        "threads", number(options.threads), "threads, or processes of Python")(
        "rounds", number(options.rounds), "interleaved rounds; the median counts")("python", text(options.python),
                                                                                   "interpreter with torch and cv2");
    po::variables_map values;
    po::store(po::parse_command_line(count, words, known), values);
    po::notify(values);
    if (values.count("help") != 0) {
        std::cout << known;
        std::exit(0);
    }
    options.json = values.count("json") != 0;
    options.race = values.count("no-race") == 0;
    options.threads = std::max(1, options.threads);
    options.rounds = std::max(1, options.rounds);
    return options;
}

}  // namespace
}  // namespace fairsweep

int main(int count, char** words) {
    try {
        const fairsweep::Options options = fairsweep::parse(count, words);
        const nlohmann::json result = fairsweep::measure(options);
        if (options.json) {
            std::cout << result.dump() << '\n';
        } else {
            fairsweep::print_table(result);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_loader: %s\n", error.what());
        return 2;
    }
}
