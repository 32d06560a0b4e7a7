#pragma once
/// What the parts of describe_data() share: a place to report to from several threads, and a loop over images.
#include <functional>
#include <mutex>

#include "data/damage.hpp"
#include "data/describe.hpp"
#include "fairsweep/dataset.hpp"

namespace fairsweep {

/// Collects what is found in one set; its functions may be called from several threads.
class Problems {
public:
    /// Problems are listed in the order of (file, offset, what), whatever the order of the threads.
    explicit Problems(DataDescription& description) : description_(description) {}
    ~Problems();
    Problems(const Problems&) = delete;
    Problems& operator=(const Problems&) = delete;

    void add(DataProblem problem);
    void add(const FileSpot& spot, const std::string& what);
    void add(const Error& error);
    void decoded(const Image& image);

    /// Runs look(i) for images 0 .. count-1 on all cores: all of them when `all` is set or the set is small, else 1000 evenly
    /// spread. An Error that look throws becomes a problem.
    void look_at_images(std::uint64_t count, bool all, const std::function<void(std::uint64_t)>& look);
    /// Runs step(); an Error becomes a problem and the answer false.
    bool attempt(const std::function<void()>& step);

private:
    std::mutex mutex_;
    DataDescription& description_;
};

void describe_recordio(const std::filesystem::path& path, bool all, DataDescription& description);
void describe_folder(const std::filesystem::path& path, bool all, DataDescription& description);
void describe_rfw(const std::filesystem::path& root, bool all, DataDescription& description);
void describe_manifest(const std::filesystem::path& path, bool all, DataDescription& description);

}  // namespace fairsweep
