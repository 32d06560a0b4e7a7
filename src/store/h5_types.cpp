#include "fairsweep/check.hpp"
#include "store/h5.hpp"

namespace fairsweep::h5 {
namespace {

TypeHandle made(hid_t id) {
    FAIRSWEEP_CHECK(id >= 0, "HDF5 makes the types that files of fairsweep have");
    return TypeHandle(id);
}

void check_done(herr_t status) { FAIRSWEEP_CHECK(status >= 0, "HDF5 makes the types that files of fairsweep have"); }

}  // namespace

TypeHandle text_type(std::size_t size_bytes) {
    TypeHandle type = made(H5Tcopy(H5T_C_S1));
    check_done(H5Tset_size(type.get(), size_bytes));
    check_done(H5Tset_strpad(type.get(), H5T_STR_NULLPAD));
    check_done(H5Tset_cset(type.get(), H5T_CSET_UTF8));
    return type;
}

TypeHandle number_type(hid_t standard) { return made(H5Tcopy(standard)); }

TypeHandle code_type(const std::vector<std::string>& names) {
    TypeHandle type = made(H5Tenum_create(H5T_STD_U8LE));
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto value = static_cast<std::uint8_t>(i);
        check_done(H5Tenum_insert(type.get(), names[i].c_str(), &value));
    }
    return type;
}

TypeHandle array_type(const TypeHandle& element, std::size_t count) {
    const hsize_t length = count;
    return made(H5Tarray_create2(element.get(), 1, &length));
}

TypeHandle compound_type(std::size_t size_bytes, const std::vector<Member>& members) {
    TypeHandle type = made(H5Tcreate(H5T_COMPOUND, size_bytes));
    for (const Member& member : members)
        check_done(H5Tinsert(type.get(), member.name.c_str(), member.offset_bytes, member.type.get()));
    return type;
}

}  // namespace fairsweep::h5
