#include "faces/planted_file.hpp"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "faces/groups.hpp"
#include "support/catch.hpp"

using namespace fairsweep::faces;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("what was planted is found in a data set or beside it, with equally hard groups together") {
    fs::remove_all("faces");
    write("faces/three.csv", "A,1,1\nB,0.25,2.5\nC,1,1\n");
    write("faces/planted.json", planted_json(parse_groups("faces/three.csv", 7), 7));
    for (const char* set : {"faces", "faces/test", "faces/test/", "faces/./synthetic", "faces/train", "faces/expressions/train",
                            "faces/expressions/test/", "faces/expressions/test/manifest.csv"}) {
        INFO(set);
        if (fs::path(set).extension() == ".csv")
            write(set, "path,class\n");
        else
            fs::create_directories(set);
        const auto planted = nlohmann::json::parse(planted_beside(set));
        CHECK(planted.at("seed") == 7);
        CHECK(planted.at("groups").at(1) ==
              nlohmann::json({{"name", "B"}, {"identity_spread", 0.25}, {"noise_multiplier", 2.5}}));
        CHECK(planted.at("hardest_first") == nlohmann::json::parse(R"([["B"], ["A", "C"]])"));
    }
}

TEST_CASE("data that nobody planted anything in have nothing planted, whatever lies around them") {
    fs::remove_all("others");
    write("others/planted.json", planted_json(parse_groups("A,B", 1), 1));
    fs::create_directories("others/rfw");
    CHECK(planted_beside("others/rfw").empty());  // no folder of `data make`
    CHECK(planted_beside("others/rfw/test").empty());
    CHECK(planted_beside("others/expressions/valid").empty());
    CHECK(planted_beside("nowhere/test").empty());
    for (const char* text : {"", "{", "[]", "{\"groups\":3}", R"({"seed":1,"groups":[{"name":"A"}]})", "roses"}) {
        INFO(text);
        write("others/planted.json", text);
        CHECK(planted_beside("others/test").empty());
    }
}
