#pragma once
/// Small data sets on disk, made in the test's own folder.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "data/jpeg.hpp"
#include "data/record_index.hpp"
#include "data/recordio.hpp"
#include "fairsweep/files.hpp"

namespace fairsweep::fixture {

namespace fs = std::filesystem;

/// A new empty working folder for as long as it lives: cases and sections do not see each other's files.
class FreshFolder {
public:
    FreshFolder() : before_(fs::current_path()) {
        static int count = 0;
        const fs::path folder = before_ / ("case" + std::to_string(++count));
        fs::create_directories(folder);
        fs::current_path(folder);
    }
    ~FreshFolder() { fs::current_path(before_); }
    FreshFolder(const FreshFolder&) = delete;
    FreshFolder& operator=(const FreshFolder&) = delete;

private:
    fs::path before_;
};

inline Image flat_image(int rows, int cols, int grey) {
    return {.rows = rows,
            .cols = cols,
            .pixels = std::vector<std::uint8_t>(3 * static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols),
                                                static_cast<std::uint8_t>(grey))};
}

inline void write_image(const fs::path& path, const Image& image) {
    fs::create_directories(path.parent_path());
    write_file_atomically(path, encode_jpeg(image, 95));
}

inline void write_text(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    write_file_atomically(path, text);
}

struct RecordioOptions {
    int identities = 3;
    int images_each = 4;
    bool with_index_records = true;  ///< false: the sequential variant
    std::uint32_t image_flag = 0;    ///< 2: face2rec2's two labels
    float first_label = 0.0f;        ///< labels count from here
};

/// A training folder; image i of identity k is 16 x 16 pixels of grey 20 * k + 2 * i.
inline void write_recordio(const fs::path& folder, const RecordioOptions& options = {}) {
    fs::create_directories(folder);
    RecordWriter writer(folder / "train.rec");
    std::vector<IndexEntry> index;
    std::uint64_t key = options.with_index_records ? 1 : 0;
    std::vector<std::vector<float>> ranges;
    for (int k = 0; k < options.identities; ++k) {
        ranges.push_back({static_cast<float>(key), static_cast<float>(key + static_cast<std::uint64_t>(options.images_each))});
        for (int i = 0; i < options.images_each; ++i) {
            const auto jpeg = encode_jpeg(flat_image(16, 16, 20 * k + 2 * i), 95);
            const float label = options.first_label + static_cast<float>(k);
            ImageRecord record{.flag = options.image_flag, .labels = {label}, .id = key, .id2 = 0, .encoded = jpeg};
            if (options.image_flag == 2) record.labels.push_back(1.0f);
            index.push_back({key, writer.write(encode_image_record(record))});
            ++key;
        }
    }
    if (options.with_index_records) {
        const auto images_end = static_cast<float>(key);
        for (const std::vector<float>& range : ranges) {
            index.push_back(
                {key, writer.write(encode_image_record({.flag = 2, .labels = range, .id = key, .id2 = 0, .encoded = {}}))});
            ++key;
        }
        const std::vector<float> whole{images_end, static_cast<float>(key)};
        index.push_back({0, writer.write(encode_image_record({.flag = 2, .labels = whole, .id = 0, .id2 = 1, .encoded = {}}))});
    }
    writer.close();
    write_record_index(folder / "train.idx", index);
    write_record_property(folder / "property",
                          {.identities = static_cast<std::uint64_t>(options.identities), .rows = 16, .cols = 16});
}

inline constexpr const char* kLandmarks = "90 100 150 100 120 130 95 160 145 160";

/// An RFW tree of groups A and B below `root`; p1 is in both groups. 200 x 240 pixels (rows x cols).
inline void write_rfw(const fs::path& root) {
    for (const std::string group : {"A", "B"}) {
        std::string landmarks;
        for (const std::string& identity : {std::string("p1"), "only" + group}) {
            for (const std::string number : {"0001", "0002", "0012"}) {
                const std::string file = identity + "_" + number + ".jpg";
                write_image(root / "data" / group / identity / file, flat_image(200, 240, group == "A" ? 100 : 180));
                landmarks += "/test/data/" + group + "/" + identity + "/" + file + "\t0\t" + kLandmarks + "\n";
            }
        }
        write_text(root / "txts" / group / (group + "_lmk.txt"), landmarks);
        write_text(root / "txts" / group / (group + "_pairs.txt"),
                   "p1\t1\t2\r\n\n  only" + group + " 2  12 \n" + "p1 1 only" + group + " 1\np1 12 only" + group + " 12\n");
    }
}

inline DataSource source(const std::string& format, const fs::path& path) {
    return {.name = "test", .format = format, .path = path, .groups = {}};
}

}  // namespace fairsweep::fixture
