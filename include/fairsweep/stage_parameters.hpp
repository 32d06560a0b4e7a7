#pragma once
/// The parameters of a stage as a value, and their canonical text (sorted keys, exact numbers), which is hashed into the
/// stage's id and is all that a worker sees of the job. Only the fields that the kind uses are in the text.
#include <cstdint>
#include <string>

#include "fairsweep/hash.hpp"
#include "fairsweep/stage_kind.hpp"
#include "fairsweep/sweep.hpp"

namespace fairsweep {

struct StageParameters {
    StageKind kind{};
    int version = 1;  ///< of the stage's code: raised when its results change
    std::string task = "verification";
    std::string architecture;  ///< baseline, teacher, compression, evaluation
    Digest data;           ///< prepare, evaluation: evaluation set; baseline: training set; teacher, compression: calibration set
    int image_size = 112;  ///< prepare: pixels per side of the aligned faces (the network's input size)
    std::uint64_t seed = 0;    ///< baseline, compression
    Bits bits;                 ///< compression
    double sparsity = 0.0;     ///< compression
    std::string distillation;  ///< compression: "embedding", "cosine" or "relational", maybe with "-chain"
    // external: the command as it is written; of what stands above and below only what its placeholders name is in the text.
    std::string command;
    std::string result;        ///< Program::result
    Digest depends;            ///< hash of the content of Program::depends; zero: there are none
    Digest training_data;      ///< where the command names it
    Digest evaluation_data;    ///< where the command names it, and where the result is of its images
    std::string arm;           ///< where the command names it, as are the next three
    std::string training_set;  ///< the name
    std::string calibration;   ///< the axis
    std::string pruning;       ///< the axis
    Recipe recipe;             ///< baseline: baseline_*, margin_*; compression: finetune_* and the quantiser's; both: the common
                               ///< fields; teacher: flip; every kind but prepare: threads_per_stage, shards
};

[[nodiscard]] std::string canonical_text(const StageParameters& parameters);
/// Throws a store error when the text is not what canonical_text() writes.
[[nodiscard]] StageParameters parse_stage_parameters(const std::string& text);

/// needs, by kind:  baseline: none; teacher: {network (baseline or, in a chain, compression)}; compression: {baseline,
/// teacher}; prepare: none;
/// evaluation: {network (baseline, compression or external), prepare}; external: {baseline} where its command names it.
/// Stage::data_sets, by kind: baseline {training set}; teacher and compression {calibration set}; prepare {evaluation set};
/// evaluation {} (it reads the prepared faces); external: the sets that it reads, in the order training, calibration, evaluation.

/// Square input side of an architecture name: "iresnet10-w16-56" -> 56, "iresnet18" -> 112.
[[nodiscard]] int input_size_of(const std::string& architecture);

}  // namespace fairsweep
