#pragma once
/// Foreign weights into a network: what does not fit is said in full, and what would fit is looked for.
#include <memory>
#include <string>
#include <vector>

#include "fairsweep/error.hpp"
#include "model/network.hpp"

namespace fairsweep {

/// Names and shapes of a state, without its values.
using Shape = std::vector<std::int64_t>;
using NamedShapes = std::vector<std::pair<std::string, Shape>>;
[[nodiscard]] NamedShapes shapes_of(const NamedTensors& tensors);
/// The state of a freshly built network. Throws a usage error for an unknown architecture.
[[nodiscard]] NamedShapes shapes_of_architecture(const std::string& architecture);

/// How tensors compare with what a network has. BatchNorm's num_batches_tracked may be missing: nothing depends on it.
struct StateFit {
    std::vector<std::string> missing;     ///< names, in the network's order
    std::vector<std::string> unexpected;  ///< names, in the tensors' order
    std::vector<std::string> misshapen;   ///< "fc.weight [512, 25088] instead of [128, 2048]"
    [[nodiscard]] bool fits() const { return missing.empty() && unexpected.empty() && misshapen.empty(); }
    /// "3 missing (conv1.weight, ...), 1 unexpected (...)": the counts and the first few of each.
    [[nodiscard]] std::string text() const;
};

/// `own` is the network's state, `given` the one to be loaded.
[[nodiscard]] StateFit compare_state(const NamedShapes& own, const NamedShapes& given);

/// BatchNorm's num_batches_tracked.
[[nodiscard]] bool is_counter(const std::string& name);

/// The architecture that these tensors are the state of: one of the five full ones or a reduced one. "" when there is none.
/// Shapes tell an input size only roughly: 112 is taken where it fits, else 56, else the first multiple of 8 that does.
[[nodiscard]] std::string fitting_architecture(const NamedShapes& tensors);

/// Weights with NaN or infinity: the training that made them diverged.
class NonFiniteWeights : public Error {
public:
    using Error::Error;
};

/// The architecture with these tensors as its state, in eval mode. Floating-point tensors may be half, bfloat16, float or
/// double. Throws a data error naming `where`: with StateFit::text(), or (NonFiniteWeights) a tensor that is not finite; a usage
/// error for an unknown architecture.
[[nodiscard]] std::shared_ptr<Network> fit_state(const std::string& architecture, const NamedTensors& tensors,
                                                 const std::string& where);

}  // namespace fairsweep
