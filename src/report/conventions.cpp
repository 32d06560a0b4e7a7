#include "report/conventions.hpp"

#include <fmt/format.h>

namespace fairsweep {
namespace {

using Conventions = std::map<std::string, std::string>;

Conventions of_verification() {
    return {
        {"accuracy",
         "ten-fold protocol per group: folds contiguous in file order, squared distance 2 - 2 * cosine < t (strict), "
         "t = 0, 0.01 ... 3.99, the first best threshold on the other nine folds; percent, mean over folds"},
        {"intervals",
         "95 %. Items that share a person count as dependent (dyadic variance). Accuracy, FMR, FNMR, EER and AUC of one "
         "network: Wilson with the effective number of pairs and a t quantile; means over seeds and changes: t, with the "
         "variance "
         "between seeds (Satterthwaite). Formulas and measured coverage: docs/statistics.md"},
        {"no_bias",
         "mean and 95th percentile of the figure when all groups have the same true accuracy (fdr, inequity_rate, garbe: the "
         "same "
         "FMR and FNMR) and only chance tells them apart: which people are in the pairs and, for means over seeds, the luck of "
         "each "
         "training. Rows of one seed are about this network: its luck counts as its own. fdr, where 1 is fair: chance stays "
         "above "
         "its p95 in 95 % of cases"},
        {"threshold_source", "test"},
        {"threshold_source_note", "all thresholds are chosen on the evaluation pairs themselves; there was no development set"},
        {"pooled_threshold",
         "one for all groups: the smallest observed score with the highest pooled accuracy; a pair matches when score >= "
         "threshold"},
        {"ties", "equally good thresholds: the lowest of the grid, or the smallest observed score"},
        {"rates", "fmr over impostor pairs, fnmr over genuine pairs, fractions"},
        {"intervals_10fold",
         "ten-fold intervals count the choice of thresholds by repeating it under 200 random weightings of people; they are "
         "not an out-of-sample guarantee"},
        {"intervals_pooled_threshold",
         "FMR, FNMR and pooled accuracy answer: what are the rates at this network's most accurate threshold? The threshold was "
         "chosen on these pairs and may lie elsewhere; how far the rates move with it is added in quadrature. "
         "`fmr_frozen_fraction` and "
         "`fnmr_frozen_fraction` answer: what are the rates at this very threshold, kept from now on?"},
        {"fdr, inequity_rate, garbe",
         "at the pooled threshold, alpha 0.5; undefined where a group expects fewer than 3 errors of a kind in some seed (the "
         "rate "
         "of all groups times its pairs), or all groups have FMR 1 or FNMR 1. Intervals as for STD, with the threshold's part"},
    };
}

Conventions of_classification() {
    return {
        {"accuracy",
         "percent of a group's images whose largest logit (mean of a face and its mirror image) is that of their class"},
        {"ties", "equal logits: the class that comes first"},
        {"recall", "percent of the images of a class in a group that are given that class"},
        {"intervals",
         "95 %. Images of one person count as dependent. Accuracy and recall of one network: Wilson with the effective number of "
         "images and a t quantile; means over seeds and changes: t, with the variance between seeds (Satterthwaite). Formulas: "
         "docs/statistics.md"},
        {"no_bias",
         "mean and 95th percentile of the figure when all groups have the same true accuracy and only chance tells them apart: "
         "which people are in the images and, for means over seeds, the luck of each training. Rows of one seed are about this "
         "network: its luck counts as its own"},
        {"balanced_accuracy", "mean of the recalls of the classes that a group has"},
    };
}

}  // namespace

Conventions make_conventions(const EvaluationSet& set) {
    Conventions conventions{
        {"std", "standard deviation over the groups' accuracies, ddof 1, percentage points; of several seeds: mean of their STD"},
        {"std_ddof", "1"},
        {"ser", "(100 - lowest accuracy) / (100 - highest); undefined when a group makes no error"},
        {"gap",
         "largest: highest minus lowest accuracy; in contrasts: mean of the other groups minus the group that is worst in the "
         "dense arm (in the sham arm where there is none)"},
        {"worst_group_of_contrasts",
         "chosen on other people than those that the change is judged on: people are cut into halves at random, ten times; the "
         "worst group of one half names the gap that the other half's items are judged by, and the mean over all halves is the "
         "change. `group` is what most halves chose and `group_share_fraction` how many; at 1 all items count at once. Chosen on "
         "the "
         "same items, an equal loss of equal groups would look like a widening"},
        {"ties of groups", "best_group and worst_group name all groups that are equal, as \"A = B\""},
        {"intervals_spread",
         "STD, SER, largest gap: linearised identity bootstrap rescaled to the dyadic variance; the lower limit is the boundary "
         "(0, or 1 for SER) unless equality of the groups is rejected at 2.5 %; SER's are made from errors + 0.5"},
        {"sham_twin",
         "the same fine-tune of the same baseline on the same data with nothing installed: equal in architecture, training set, "
         "calibration, loss and recipe but for keys that act only where something is compressed. With order prune-first the "
         "compressed network's momentum starts anew at half of the steps and its twin's does not"},
        {"multiplicity",
         "primary family: change of the gap of the worst dense group, compressed - sham; Holm. All else is exploratory: "
         "Benjamini-Hochberg. change_points_simultaneous: limits that hold together for the whole primary family (max-t), the "
         "ones "
         "to quote for the largest of many"},
        {"floor", fmt::format("groups below {:.3g} % accuracy are close to guessing, where gaps shrink for the wrong reason",
                              floor_percent(set))},
        {"bootstrap", fmt::format("{} replicates, seed {}, Poisson(1) weights keyed by person, equal for all networks",
                                  set.bootstrap ? set.bootstrap->replicates() : 0, set.seed)},
    };
    conventions.merge(set.classes == 0 ? of_verification() : of_classification());
    return conventions;
}

}  // namespace fairsweep
