#include "data/pickle.hpp"

#include <span>
#include <string>
#include <string_view>

#include "allocation_counter.hpp"
#include "fairsweep/error.hpp"
#include "support/catch.hpp"

using namespace fairsweep;
using namespace std::string_literals;
using Kind = PickleValue::Kind;

namespace {

PickledValues read(const std::string& pickle) { return read_pickle(std::as_bytes(std::span(pickle)), "test.pkl"); }

std::string refusal(const std::string& pickle) {
    try {
        (void)read(pickle);
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was refused";
}

const PickleValue& root(const PickledValues& values) { return values.at(values.root); }

}  // namespace

TEST_CASE("numbers of a pickle have their signs and sizes") {
    CHECK(root(read("\x80\x02J\xff\xff\xff\xff."s)).integer == -1);
    CHECK(root(read("\x80\x02K\xff."s)).integer == 255);
    CHECK(root(read("\x80\x02M\x00\x80."s)).integer == 32768);
    CHECK(root(read("\x80\x02\x8a\x01\x80."s)).integer == -128);
    CHECK(root(read("\x80\x02\x8a\x00."s)).integer == 0);
    CHECK(root(read("\x80\x02\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09."s)).kind == Kind::big_integer);
    CHECK(root(read("\x80\x02G\xbf\xf8\x00\x00\x00\x00\x00\x00."s)).real == -1.5);
    CHECK(root(read("\x80\x02\x88."s)).kind == Kind::boolean);
}

TEST_CASE("a pickle ends where it says, and what follows is left alone") {
    const PickledValues values = read(
        "\x80\x02]q\x00(K\x01K\x02"
        "e.more"s);
    CHECK(values.end == 12);
    CHECK(root(values).items.size() == 2);
}

TEST_CASE("a pickle that contains itself is a value like any other") {
    const PickledValues values = read(
        "\x80\x02]q\x00h\x00"
        "a."s);
    CHECK(root(values).items == std::vector<PickleIndex>{values.root});
}

TEST_CASE("what is not on the white list is refused by name and byte") {
    CHECK_THAT(refusal("\x80\x02"
                       "cos\nsystem\n(X\x02\x00\x00\x00lstR."s),
               ContainsSubstring("os.system") && ContainsSubstring("byte 2"));
    CHECK_THAT(refusal("\x80\x04\x8c\x08"
                       "builtins\x8c\x04"
                       "eval\x93."s),
               ContainsSubstring("builtins.eval"));
    CHECK_THAT(refusal("\x80\x02(i__main__\nNet\n."s), ContainsSubstring("INST") && ContainsSubstring("byte 3"));
    CHECK_THAT(refusal("\x80\x02\x82\x01."s), ContainsSubstring("EXT1"));
    CHECK_THAT(refusal("\x80\x02X\x03\x00\x00\x00"
                       "abcQ."s),
               ContainsSubstring("persistent"));
    CHECK_THAT(refusal("\x80\x02}}X\x01\x00\x00\x00"
                       "aK\x01sb."s),
               ContainsSubstring("attributes set on a dict"));
    CHECK_THAT(refusal("\x80\x02"
                       "ctorch\nFloatStorage\n)R."s),
               ContainsSubstring("FloatStorage"));
}

TEST_CASE("pickles that are cut, empty, or of another protocol are refused") {
    CHECK_THAT(refusal(""), ContainsSubstring("byte 0"));
    CHECK_THAT(refusal("\x80\x02"s), ContainsSubstring("byte 2"));
    CHECK_THAT(refusal("\x80\x02."s), ContainsSubstring("empty stack"));
    CHECK_THAT(refusal("\x80\x02K\x01K\x02."s), ContainsSubstring("left on the stack"));
    CHECK_THAT(refusal("\x80\x07K\x01."s), ContainsSubstring("protocol 7"));
    CHECK_THAT(refusal("(lp0\n."s), ContainsSubstring("protocol"));
    CHECK_THAT(refusal("\x80\x02h\x05."s), ContainsSubstring("memo 5"));
    CHECK_THAT(refusal("\x80\x02"
                       "e."s),
               ContainsSubstring("no mark"));
    CHECK_THAT(refusal("\x80\x02K\x01(e."s), ContainsSubstring("APPENDS"));
    CHECK_THAT(refusal("\x80\x02}(K\x01u."s), ContainsSubstring("key without a value"));
    CHECK_THAT(refusal("\x80\x02(K\x01\x85."s), ContainsSubstring("left on the stack"));
    CHECK_THAT(refusal("\x80\x02K\x01(\x85."s), ContainsSubstring("empty stack"));
}

TEST_CASE("lengths that a pickle claims take no memory") {
    fixture::largest_allocation_bytes = 0;
    CHECK_THAT(refusal("\x80\x02X\xff\xff\xff\xff"
                       "abc."s),
               ContainsSubstring("4294967295 bytes"));
    CHECK_THAT(refusal("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                       "abc."s),
               ContainsSubstring("18446744073709551615 bytes"));
    CHECK_THAT(refusal("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"
                       "abc."s),
               ContainsSubstring("bytes"));
    CHECK_THAT(refusal("\x80\x02\x8b\xff\xff\xff\x7f."s), ContainsSubstring("2147483647 bytes"));
    CHECK_THAT(refusal("\x80\x02r\xff\xff\xff\xff."s), ContainsSubstring("empty stack"));
    CHECK_THAT(refusal("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffK\x01."s), ContainsSubstring("frame"));
    CHECK(fixture::largest_allocation_bytes < 100'000);
}

TEST_CASE("a small pickle that multiplies its values is stopped") {
    // Each OrderedDict(list) copies a list of 2,000 pairs: 6 bytes of pickle would make 4,000 members.
    std::string bomb =
        "\x80\x02"
        "ccollections\nOrderedDict\nq\x00]q\x01("s;
    bomb += "K\x01K\x02\x86q\x02"s;
    for (int i = 0; i < 1999; ++i) bomb += "h\x02"s;
    bomb += "e("s;
    for (int i = 0; i < 5000; ++i) bomb += "h\x00h\x01\x85R"s;
    CHECK_THAT(refusal(bomb + "t."), ContainsSubstring("members"));
    // And one value per byte.
    CHECK_THAT(refusal("\x80\x02(" + std::string(kMaxPickleValues + 1, 'N') + "t."), ContainsSubstring("values"));
    // Or none: one value that is remembered, fetched or marked once per byte.
    fixture::largest_allocation_bytes = 0;
    CHECK_THAT(refusal("\x80\x04K\x01" + std::string(kMaxPickleValues + 1, '\x94') + "."), ContainsSubstring("remembered"));
    CHECK_THAT(refusal("\x80\x04" + std::string(kMaxPickleValues + 1, '(') + "."), ContainsSubstring("marks"));
    std::string fetched = "\x80\x04K\x01\x94";
    for (std::size_t i = 0; i <= kMaxPickleItems; ++i) fetched += "h\x00"s;
    fixture::largest_allocation_bytes = 0;
    CHECK_THAT(refusal(fetched + "."), ContainsSubstring("on the stack"));
    CHECK(fixture::largest_allocation_bytes <= 8 * sizeof(PickleIndex) * kMaxPickleItems);
}
