// Plugins that cannot be used say why.
#include <filesystem>

#include "device/device_ops.hpp"
#include "device/plugin.hpp"
#include "support/catch.hpp"

using namespace fairsweep;

namespace {

bool says(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("A plugin that is not there, is none, or is another one's says so") {
    CHECK(says(open_plugin("/nowhere/plugin.so").why_not, "there is no /nowhere/plugin.so"));
    CHECK(says(open_plugin(FAIRSWEEP_PLUGIN_WITHOUT_ENTRY).why_not, DevicePlugin::kEntry));
    CHECK(says(open_plugin(FAIRSWEEP_PLUGIN_OF_OTHER_INTERFACE).why_not, "interface 999"));
    CHECK(says(open_plugin(FAIRSWEEP_PLUGIN_OF_OTHER_TORCH).why_not, "LibTorch 0.0.1"));
    const std::filesystem::path source = __FILE__;
    CHECK_FALSE(open_plugin(source).why_not.empty());  // a file that is no library
    CHECK(open_plugin(source).plugin == nullptr);
}

TEST_CASE("Operations of a device without a table are refused") {
    CHECK_THROWS_WITH(ops_of(torch::empty({1}, torch::kMeta)), Catch::Matchers::Contains("no operations for it"));
}
