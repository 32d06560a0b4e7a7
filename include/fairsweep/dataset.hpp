#pragma once
/// Images and labels as values. Readers of the formats implement these; they decode on demand, are safe to call from
/// several threads, and throw Error (data kind) naming file and offset.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fairsweep/hash.hpp"
#include "fairsweep/items.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

/// 8-bit RGB, pixels [rows, cols, 3], rows from the top.
struct Image {
    int rows = 0;
    int cols = 0;
    std::vector<std::uint8_t> pixels;
};

struct LabelledImage {
    Image image;
    std::int64_t identity = -1;  ///< class index, 0 .. identities()-1
};

/// A training or calibration set: aligned faces with identities, or with classes of another kind.
class TrainingSet {
public:
    virtual ~TrainingSet() = default;
    [[nodiscard]] virtual std::uint64_t size() const = 0;  ///< images
    [[nodiscard]] virtual std::uint64_t identities() const = 0;
    [[nodiscard]] virtual LabelledImage get(std::uint64_t index) const = 0;  ///< index < size()
};

/// Aligned faces with a named class each, a person and groups: what the task "classification" trains and is evaluated on.
/// Image i is item i of items(); identities() is the number of classes, and `identity` of an image its class.
class LabelledSet : public TrainingSet {
public:
    [[nodiscard]] virtual const std::vector<std::string>& classes() const = 0;  ///< sorted by their bytes, at most 256
    [[nodiscard]] virtual const ItemTable& items() const = 0;
};

struct VerificationPair {
    std::uint32_t image_a = 0;  ///< index into VerificationGroup::image_paths
    std::uint32_t image_b = 0;
    std::uint32_t identity_a = 0;  ///< index over all groups of the set: shared identities share the number
    std::uint32_t identity_b = 0;
    bool genuine = false;
};

struct VerificationGroup {
    std::string name;
    std::vector<std::string> image_paths;  ///< below the set's folder
    std::vector<VerificationPair> pairs;   ///< in file order; folds are contiguous
};

/// A verification set of demographic groups with pair lists (RFW).
class VerificationSet {
public:
    virtual ~VerificationSet() = default;
    [[nodiscard]] virtual const std::vector<VerificationGroup>& groups() const = 0;
    [[nodiscard]] virtual std::uint32_t identities() const = 0;  ///< distinct over all groups
    /// The face aligned to the ArcFace template, size x size pixels (112 is the template's own size).
    [[nodiscard]] virtual Image aligned_image(std::size_t group, std::uint32_t image, int size) const = 0;
};

/// Factories by DataSource::format; unknown formats are usage errors with the nearest known name.
[[nodiscard]] std::unique_ptr<TrainingSet> open_training_set(const DataSource& source);
[[nodiscard]] std::unique_ptr<VerificationSet> open_verification_set(const DataSource& source);
[[nodiscard]] std::unique_ptr<LabelledSet> open_labelled_set(const DataSource& source);

/// The identity of a data set: the hash of every byte that its readers see, never of its path. The same bytes in another
/// folder give the same digest. A set is read for it once; the digest is kept in the user's cache folder and used while
/// names, sizes, times and inodes of the files stay the same. Throws a data error when it is missing, unreadable or changing.
[[nodiscard]] Digest data_set_digest(const DataSource& source);
[[nodiscard]] bool data_set_present(const DataSource& source);
/// Names of an evaluation set's groups without reading its images.
[[nodiscard]] std::vector<std::string> evaluation_group_names(const DataSource& source);
/// Names of the classes of a LabelledSet, as its classes(); empty for formats whose classes have no names.
[[nodiscard]] std::vector<std::string> class_names(const DataSource& source);

}  // namespace fairsweep
