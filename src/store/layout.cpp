#include "store/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <limits>
#include <map>

#include "fairsweep/check.hpp"
#include "fairsweep/error.hpp"
#include "plan/stage_kinds.hpp"
#include "store/row_record.hpp"
#include "store/seal.hpp"
#include "store/store.hpp"

namespace fairsweep {
namespace {

using Texts = std::vector<std::string>;

/// One value of every item as a column.
template <typename T, typename Items, typename Get>
std::vector<T> column(const Items& items, Get get) {
    std::vector<T> values;
    values.reserve(items.size());
    for (const auto& item : items) values.push_back(std::invoke(get, item));
    return values;
}

h5::TypeHandle scalar_type(const RowField& field) {
    switch (field.type) {
        case RowFieldType::text:
            return h5::text_type(field.size_bytes);
        case RowFieldType::u8_code:
            return h5::code_type(field.code_names);
        case RowFieldType::u32:
            return h5::number_type(H5T_STD_U32LE);
        case RowFieldType::i32:
            return h5::number_type(H5T_STD_I32LE);
        case RowFieldType::u64:
            return h5::number_type(H5T_STD_U64LE);
        case RowFieldType::f64:
            return h5::number_type(H5T_IEEE_F64LE);
    }
    return {};
}

h5::TypeHandle row_type(const RowShape& shape) {
    std::vector<h5::Member> members;
    for (const RowField& field : row_fields(shape)) {
        h5::TypeHandle type = scalar_type(field);
        if (field.is_array) type = h5::array_type(type, field.count);
        members.push_back({field.name, field.offset, std::move(type)});
    }
    return h5::compound_type(row_bytes(shape), members);
}

void put_points(h5::Writer& file, const Plan& plan) {
    const auto& points = plan.points;
    file.make_group("/plan/points");
    file.put_text("/plan/points/id", column<std::string>(points, [](const Point& p) { return p.id.hex(); }));
    file.put_text("/plan/points/arm", column<std::string>(points, [](const Point& p) { return std::string(name_of(p.arm)); }));
    for (std::size_t axis = 0; axis < plan.axes.size(); ++axis) {
        const std::string path = "/plan/points/" + plan.axes[axis].name;
        if (plan.axes[axis].kind == AxisKind::number) {
            file.put(path, column<double>(points, [axis](const Point& p) { return number_or_nan(p.axes[axis]); }));
        } else {
            file.put_text(path, column<std::string>(points, [axis](const Point& p) { return text_of(p.axes[axis]); }));
        }
    }
    file.put("/plan/points/seed", column<std::uint64_t>(points, &Point::seed));
    file.put("/plan/points/network_stage", column<std::uint32_t>(points, &Point::network_stage));
    file.put("/plan/points/evaluation_stage", column<std::uint32_t>(points, &Point::evaluation_stage));
}

void put_stages(h5::Writer& file, const StoreContents& contents) {
    const auto& stages = contents.plan.stages;
    file.make_group("/plan/stages");
    file.put_text("/plan/stages/id", column<std::string>(stages, [](const Stage& s) { return s.id.hex(); }));
    file.put_text("/plan/stages/kind", column<std::string>(stages, [](const Stage& s) { return std::string(name_of(s.kind)); }));
    file.put("/plan/stages/cost_s", column<double>(stages, &Stage::cost_s));
    file.put("/plan/stages/score_shard", column<std::int32_t>(contents.score_slots, &ScoreSlot::shard));
    file.put("/plan/stages/score_row", column<std::uint32_t>(contents.score_slots, &ScoreSlot::row));
}

std::vector<ScoreSlot> get_score_slots(const h5::Reader& file, std::size_t stages) {
    const auto shards = file.get<std::int32_t>("/plan/stages/score_shard", {stages});
    const auto rows = file.get<std::uint32_t>("/plan/stages/score_row", {stages});
    std::vector<ScoreSlot> slots(stages);
    for (std::size_t i = 0; i < stages; ++i) {
        // Every slot belongs to one stage, so neither number can exceed the stages.
        if (shards[i] >= 0 && (static_cast<std::size_t>(shards[i]) >= stages || rows[i] >= stages)) {
            file.damaged("/plan/stages/score_shard", fmt::format("shard {} row {}", shards[i], rows[i]),
                         fmt::format("below {}", stages));
        }
        slots[i] = {shards[i], rows[i]};
    }
    return slots;
}

std::vector<std::uint32_t> count_shard_rows(const std::vector<ScoreSlot>& slots) {
    std::vector<std::uint32_t> rows;
    for (const ScoreSlot& slot : slots) {
        if (slot.shard < 0) continue;
        const auto shard = static_cast<std::size_t>(slot.shard);
        if (shard >= rows.size()) rows.resize(shard + 1, 0);
        rows[shard] = std::max(rows[shard], slot.row + 1);
    }
    return rows;
}

StoreId id_from_hex(const h5::Reader& file, const std::string& text) {
    StoreId id{};
    if (text.size() != 2 * id.size() || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
        file.damaged("/@store_id", text, "32 hexadecimal digits");
    }
    for (std::size_t i = 0; i < id.size(); ++i) {
        std::uint8_t byte = 0;
        std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, byte, 16);
        id[i] = static_cast<std::byte>(byte);
    }
    return id;
}

void check_plan(const h5::Reader& file, const Plan& plan) {
    if (plan.stages.empty()) file.damaged("/plan/json", "a plan without stages", "at least one");
    for (const Point& point : plan.points) {
        const auto stages = measuring_stages(point);
        const auto is_outside = [&plan](StageIndex stage) { return stage >= plan.stages.size(); };
        if (is_outside(point.network_stage) || std::any_of(stages.begin(), stages.end(), is_outside)) {
            file.damaged("/plan/json", "a point whose stage is not in the plan", "positions of stages");
        }
    }
}

/// Errors name the file, and what to do with it.
Plan plan_in(const h5::Reader& file, const std::string& json) {
    try {
        return plan_from_json(json);
    } catch (const Error& error) {
        ErrorParts parts = error.parts();
        parts.where = file.path().string() + ", /plan/json, " + parts.where;
        parts.hint += "; use that one, or another --store";
        throw Error(error.kind(), parts);
    }
}

}  // namespace

void assign_score_slots(StoreContents& contents) {
    contents.shard_rows = count_shard_rows(contents.score_slots);
    const std::uint64_t row_size = sizeof(float) * std::uint64_t{contents.responses()};
    const std::uint64_t rows_per_shard = row_size == 0 ? 0 : std::max<std::uint64_t>(1, kShardBytes / row_size);
    bool fresh = true;  // earlier shards are full: they were made to measure
    for (std::size_t i = contents.score_slots.size(); i < contents.plan.stages.size(); ++i) {
        ScoreSlot slot;
        if (info_of(contents.plan.stages[i].kind).leaves_scores && row_size > 0) {
            if (fresh || contents.shard_rows.back() >= rows_per_shard) contents.shard_rows.push_back(0);
            fresh = false;
            slot = {static_cast<std::int32_t>(contents.shard_rows.size()) - 1, contents.shard_rows.back()++};
        }
        contents.score_slots.push_back(slot);
    }
}

std::vector<std::byte> lay_out_store(const StoreContents& contents, std::span<const std::vector<std::byte>> rows) {
    const Plan& plan = contents.plan;
    FAIRSWEEP_CHECK(contents.score_slots.size() == plan.stages.size() && rows.size() == plan.stages.size(),
                    "one slot and row a stage");
    h5::Writer file("a new store", h5::Storage::contiguous);
    file.set_attribute("/", "format", std::string(kStoreFormat));
    file.set_attribute("/", "version", kStoreVersion);
    file.set_attribute("/", "store_id", hex(contents.id));
    file.make_group("/plan");
    const std::string json = plan_to_json(plan);
    file.put("/plan/json", std::span(reinterpret_cast<const std::uint8_t*>(json.data()), json.size()), {json.size()});
    file.put_text("/plan/groups", plan.groups);
    put_points(file, plan);
    put_stages(file, contents);
    put_items(file, task_info(plan.task), contents.items);
    const h5::TypeHandle type = row_type(contents.row_shape());
    h5::DatasetHandle dataset = file.make("/rows", type.get(), {plan.stages.size()}, nullptr);
    const std::uint64_t offset = file.offset_of(dataset);
    dataset.reset();
    std::vector<std::byte> image = file.finish();
    const std::size_t size = row_bytes(contents.row_shape());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!rows[i].empty()) std::memcpy(image.data() + offset + i * size, rows[i].data(), size);
    }
    seal(image, offset, rows.size() * size);
    return image;
}

StoreContents read_store_contents(const h5::Reader& file) {
    check_format(file, kStoreFormat, kStoreVersion);
    StoreContents contents;
    contents.id = id_from_hex(file, file.text_attribute("/", "store_id"));
    const auto json = file.get<std::uint8_t>("/plan/json");
    contents.plan = plan_in(file, std::string(json.begin(), json.end()));
    check_plan(file, contents.plan);
    contents.set_figures();
    const TaskInfo& task = task_info(contents.plan.task);
    contents.items = get_items(file, task);
    if (!contents.items.groups.empty() && contents.items.groups != contents.plan.groups)
        file.damaged(std::string("/") + task.items + "/groups", "other groups than the plan's", "the same groups");
    contents.score_slots = get_score_slots(file, contents.plan.stages.size());
    contents.shard_rows = count_shard_rows(contents.score_slots);
    return contents;
}

std::uint64_t rows_offset(const h5::Reader& file, const StoreContents& contents) {
    return file.contiguous_offset("/rows", row_type(contents.row_shape()).get(), {contents.plan.stages.size()});
}

std::vector<std::byte> lay_out_shard(const StoreContents& contents, std::uint32_t shard) {
    std::vector<std::string> ids(contents.shard_rows[shard]);
    for (std::size_t i = 0; i < contents.score_slots.size(); ++i) {
        const ScoreSlot slot = contents.score_slots[i];
        if (slot.shard == static_cast<std::int32_t>(shard)) ids[slot.row] = contents.plan.stages[i].id.hex();
    }
    h5::Writer file("a new score shard", h5::Storage::contiguous);
    file.set_attribute("/", "format", std::string(kShardFormat));
    file.set_attribute("/", "version", kStoreVersion);
    file.set_attribute("/", "store_id", hex(contents.id));
    file.put_text("/stage_id", ids);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    auto dataset = file.make("/scores", H5T_IEEE_F32LE, {contents.shard_rows[shard], contents.responses()}, &nan);
    const std::uint64_t offset = file.offset_of(dataset);
    dataset.reset();
    std::vector<std::byte> image = file.finish();
    seal(image, offset, std::uint64_t{contents.shard_rows[shard]} * contents.responses() * sizeof(float));
    return image;
}

std::uint64_t shard_offset(const h5::Reader& file, const StoreContents& contents, std::uint32_t shard) {
    check_format(file, kShardFormat, kStoreVersion);
    const std::string id = file.text_attribute("/", "store_id");
    if (id != hex(contents.id)) file.damaged("/@store_id", "scores of store " + id, "those of store " + hex(contents.id));
    return file.contiguous_offset("/scores", H5T_IEEE_F32LE, {contents.shard_rows[shard], contents.responses()});
}

void put_items(h5::Writer& file, const TaskInfo& task, const ItemTable& items) {
    const std::string group = std::string("/") + task.items;
    file.make_group(group);
    file.put_text(group + "/groups", items.groups);
    file.put(group + "/group_begin", items.group_begin);
    file.put(group + "/" + task.label, items.label);
    file.put(group + "/identity_a", items.identity_a);
    file.put(group + "/identity_b", items.identity_b);
    if (items.groupings.empty()) return;
    file.put_text(group + "/groupings", column<std::string>(items.groupings, &Grouping::name));
    for (const Grouping& grouping : items.groupings) {
        file.put_text(group + "/groups." + grouping.name, grouping.groups);
        file.put(group + "/group_of." + grouping.name, grouping.group_of);
    }
}

ItemTable get_items(const h5::Reader& file, const TaskInfo& task) {
    const std::string group = std::string("/") + task.items;
    ItemTable items;
    items.groups = file.get_text(group + "/groups");
    items.group_begin = file.get<std::uint32_t>(group + "/group_begin", {items.groups.size() + 1});
    items.label = file.get<std::uint8_t>(group + "/" + task.label);
    items.identity_a = file.get<std::uint32_t>(group + "/identity_a", {items.label.size()});
    items.identity_b = file.get<std::uint32_t>(group + "/identity_b", {items.label.size()});
    if (!std::is_sorted(items.group_begin.begin(), items.group_begin.end()) || items.group_begin.front() != 0 ||
        items.group_begin.back() != items.label.size())
        file.damaged(group + "/group_begin", "numbers that do not part the items", "0 ... number of items, ascending");
    if (!file.has(group + "/groupings")) return items;
    for (const std::string& name : file.get_text(group + "/groupings")) {
        Grouping grouping{.name = name,
                          .groups = file.get_text(group + "/groups." + name),
                          .group_of = file.get<std::uint32_t>(group + "/group_of." + name, {items.label.size()})};
        const auto is_outside = [&grouping](std::uint32_t place) { return place >= grouping.groups.size(); };
        if (std::any_of(grouping.group_of.begin(), grouping.group_of.end(), is_outside))
            file.damaged(group + "/group_of." + name, "a group that has no name", "places in groups." + name);
        items.groupings.push_back(std::move(grouping));
    }
    return items;
}

}  // namespace fairsweep
