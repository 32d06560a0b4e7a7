#pragma once
/// Finds a network's tensors in a file of somebody else: under which keys they lie and which prefix their names have
/// ("module.", "backbone.", "features.module."), by names and shapes alone. Values are not read here.
#include <cstddef>
#include <string>
#include <vector>

#include "model/state_fit.hpp"

namespace fairsweep {

/// A dictionary of tensors in the file.
struct ForeignState {
    std::vector<std::string> nested_under;  ///< keys that lead to it; empty: the file itself
    NamedShapes tensors;
};

/// A state that holds a whole network.
struct StateMatch {
    std::size_t state = 0;
    std::string prefix;                 ///< of the network's names there
    std::vector<std::string> left_out;  ///< names of that state which are not the network's: a head
};

/// Every way in which the states hold the network whose state is `own`. A tensor that stands among the network's own modules
/// and is not one of its is no way (a deeper network holds all tensors of a shallower one); others beside them are left out
/// when they lie outside the prefix or have the name of a head.
[[nodiscard]] std::vector<StateMatch> find_network(const std::vector<ForeignState>& states, const NamedShapes& own);

/// "its `state_dict`, without the prefix `model.`"
[[nodiscard]] std::string text_of(const ForeignState& state, const std::string& prefix);
/// What a match leaves out, in one line; empty when it takes all.
[[nodiscard]] std::string left_out_text(const std::vector<ForeignState>& states, const StateMatch& match);

/// Throws the data error for states without the network: what is missing where most of it is, and which architecture fits.
[[noreturn]] void refuse_unfit(const std::vector<ForeignState>& states, const std::string& architecture, const NamedShapes& own,
                               const std::string& where);
/// Throws the usage error for a file without --architecture that does not say it, naming the one that fits.
[[noreturn]] void refuse_unnamed(const std::vector<ForeignState>& states, const std::string& where);
/// Throws the data error for several matches with different values.
[[noreturn]] void refuse_ambiguous(const std::vector<ForeignState>& states, const std::vector<StateMatch>& matches,
                                   const std::string& architecture, const std::string& where);

}  // namespace fairsweep
