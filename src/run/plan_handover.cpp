#include "run/plan_handover.hpp"

#include "fairsweep/error.hpp"
#include "fairsweep/files.hpp"
#include "fairsweep/hash.hpp"
#include "store/store.hpp"

namespace fairsweep {
namespace {

constexpr std::uint64_t kMaxPlanBytes = 1ULL << 30;

}  // namespace

std::filesystem::path run_plan_path(const std::filesystem::path& store) { return artefact_folder_of(store) / "run.plan.json"; }

Digest hand_over_plan(const std::filesystem::path& store, const Plan& plan) {
    const std::string text = plan_to_json(plan);
    write_file_atomically(run_plan_path(store), text);
    return sha256(text);
}

Plan take_over_plan(const std::filesystem::path& store, const Digest& expected) {
    const std::filesystem::path path = run_plan_path(store);
    const std::string text = read_text_file(path, kMaxPlanBytes);
    const Digest found = sha256(text);
    if (found != expected)
        throw_store({.attempted = "cannot run the plan that was laid out",
                     .where = path.string(),
                     .found = "SHA-256 " + found.short_hex(),
                     .expected = expected.short_hex(),
                     .hint = "another run has begun on this store, or the file was changed: run the same command again when "
                             "nothing else runs on it"});
    return plan_from_json(text);
}

}  // namespace fairsweep
