/// The table of formats: whatever a row says it can do, it does.
#include "data/formats.hpp"

#include <functional>
#include <map>
#include <set>

#include "data/describe.hpp"
#include "fairsweep/error.hpp"
#include "sets_fixture.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace fairsweep::fixture;

namespace {

/// A small sound set of every format. A row that is missing here fails the first case.
const std::map<std::string, std::function<void(const fs::path&)>> kWriters{
    {"recordio", [](const fs::path& path) { write_recordio(path); }},
    {"rfw", [](const fs::path& path) { write_rfw(path); }},
    {"folder", [](const fs::path& path) { write_image(path / "ann" / "1.jpg", flat_image(8, 8, 9)); }},
    {"manifest",
     [](const fs::path& path) {
         write_image(path / "images" / "of" / "1.jpg", flat_image(8, 8, 9));
         write_text(path / "manifest.csv", "path,class\nimages/of/1.jpg,happy\n");
     }},
};

/// What `ask` throws for a format that is asked for what it cannot do.
template <typename Ask>
std::string refusal(const Ask& ask) {
    try {
        (void)ask();
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
    return "nothing was refused";
}

/// Asks each format: those whose row has the ability answer, the others are refused with the names of those that have it.
template <typename Ability, typename Ask>
void check_ability(Ability DataFormat::*ability, const Ask& ask) {
    for (const DataFormat& format : data_formats()) {
        INFO(format.name);
        const DataSource asked = source(format.name, format.name);
        if (format.*ability != nullptr) {
            CHECK_NOTHROW(ask(asked));
            continue;
        }
        const std::string text = refusal([&] { return ask(asked); });
        for (const DataFormat& other : data_formats())
            if (other.*ability != nullptr) CHECK_THAT(text, ContainsSubstring(other.name));
    }
}

}  // namespace

TEST_CASE("every format finds its own set, describes it and tells it by its bytes") {
    const FreshFolder here;
    std::set<std::string> names;
    for (const DataFormat& format : data_formats()) {
        INFO(format.name);
        REQUIRE(kWriters.contains(format.name));
        CHECK(names.insert(format.name).second);
        const DataSource data = source(format.name, format.name);
        CHECK_FALSE(data_set_present(data));
        CHECK_THROWS_AS(data_set_digest(data), Error);
        kWriters.at(format.name)(format.name);
        kWriters.at(format.name)("copy/" + std::string(format.name));
        CHECK(data_set_present(data));
        CHECK(data_set_digest(data) == data_set_digest(source(format.name, "copy/" + std::string(format.name))));
        const DataDescription found = describe_data(format.name, true);
        CHECK(found.format == format.name);
        CHECK(found.problem_count == 0);
        CHECK(found.images > 0);
        CHECK((format.open_verification != nullptr || format.open_labelled != nullptr) == (format.group_names != nullptr));
    }
    CHECK(describe_data("copy", true).parts.size() == data_formats().size());
    fs::create_directories("empty");
    const std::string text = refusal([] { return describe_data("empty", true); });
    for (const DataFormat& format : data_formats()) CHECK_THAT(text, ContainsSubstring(format.layout));
}

TEST_CASE("what a format cannot do is refused with the formats that can") {
    const FreshFolder here;
    for (const DataFormat& format : data_formats()) kWriters.at(format.name)(format.name);
    check_ability(&DataFormat::open_training, [](const DataSource& data) { return open_training_set(data)->get(0); });
    check_ability(&DataFormat::open_verification, [](const DataSource& data) { return open_verification_set(data)->groups(); });
    check_ability(&DataFormat::open_labelled, [](const DataSource& data) { return open_labelled_set(data)->get(0); });
    check_ability(&DataFormat::group_names, [](const DataSource& data) {
        const std::vector<std::string> groups = evaluation_group_names(data);  // throws where it has to
        CHECK_FALSE(groups.empty());
        return 0;
    });
    for (const DataFormat& format : data_formats())
        CHECK(class_names(source(format.name, format.name)).empty() == (format.class_names == nullptr));
}

TEST_CASE("a format that nobody knows is refused with the nearest name") {
    const DataSource odd = source("manifst", "x");
    for (const std::string& text :
         {refusal([&] { return data_set_present(odd); }), refusal([&] { return data_set_digest(odd); }),
          refusal([&] { return class_names(odd); }), refusal([&] { return evaluation_group_names(odd); }),
          refusal([&] { return open_labelled_set(odd); }), refusal([&] { return open_training_set(odd); })})
        CHECK_THAT(text, ContainsSubstring("data.test.format") && ContainsSubstring("did you mean manifest?"));
}
