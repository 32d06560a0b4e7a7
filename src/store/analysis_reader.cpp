#include "fairsweep/check.hpp"
#include "plan/tasks.hpp"
#include "store/analysis_points.hpp"
#include "store/known_files.hpp"

namespace fairsweep {

struct AnalysisReader::Impl {
    h5::Reader file;
    AnalysisInput input;
};

AnalysisReader::AnalysisReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(Impl{open_analysis(path), {}})) {
    impl_->input = get_analysis_input(impl_->file);
}

AnalysisReader::~AnalysisReader() = default;
AnalysisReader::AnalysisReader(AnalysisReader&&) noexcept = default;
AnalysisReader& AnalysisReader::operator=(AnalysisReader&&) noexcept = default;

const AnalysisInput& AnalysisReader::input() const { return impl_->input; }

std::vector<float> AnalysisReader::scores(std::size_t point_index) const {
    FAIRSWEEP_CHECK(point_index < impl_->input.points.size(), "the point is in the file");
    FAIRSWEEP_CHECK(impl_->input.points[point_index].state == StageState::done, "only done points have scores");
    return impl_->file.get_row("/scores", point_index,
                               impl_->input.items.size() * values_per_item(task_info(impl_->input.task), impl_->input.classes));
}

}  // namespace fairsweep
