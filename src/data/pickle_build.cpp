/// What a pickle may make with classes and functions: dictionaries, tensors, parameters, storages. torch/_utils.py,
/// torch/serialization.py (persistent_id) and collections.OrderedDict.__reduce__ say how they are written.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "data/pickle_machine.hpp"
#include "data/torch_checkpoint.hpp"

namespace fairsweep::pickle_detail {
namespace {

constexpr std::string_view kOrderedDict = "collections OrderedDict";
constexpr std::string_view kParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kSize = "torch Size";
/// Arguments: storage, offset, size, stride [, requires_grad, hooks [, metadata]].
constexpr std::array<std::string_view, 2> kTensor{"torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor"};

constexpr std::size_t kMaxArguments = 8, kMaxKeyBytes = 256;

constexpr const char* kSaveState = "in Python, where the file comes from: torch.save(network.state_dict(), 'weights.pth')";

/// Keys under which training scripts keep the network's state_dict.
constexpr std::array<std::string_view, 6> kStateKeys{"state_dict", "model_state_dict", "model", "network", "net", "backbone"};

/// Tensors that are rebuilt by other functions (torch/_utils.py), and the call that makes plain ones of them.
struct TensorKind {
    std::string_view function;
    const char* what;
    const char* remedy;
};
constexpr std::array<TensorKind, 3> kOtherTensors{{{"_rebuild_sparse_tensor", "a sparse tensor", "to_dense()"},
                                                   {"_rebuild_sparse_csr_tensor", "a sparse tensor", "to_dense()"},
                                                   {"_rebuild_qtensor", "a quantised tensor", "dequantize()"}}};
constexpr std::size_t kKeyDepth = 4;  ///< a key lies at most so deep below the arguments of its tensor

bool is_allowed(const std::string& global) {
    return global == kOrderedDict || global == kParameter || global == kSize ||
           std::find(kTensor.begin(), kTensor.end(), global) != kTensor.end() || !dtype_of_storage_class(global).empty();
}

}  // namespace

void Machine::push_global(const std::string& module, const std::string& name) {
    const std::string global = module + " " + name;
    if (!is_allowed(global)) refuse_global(module, name);
    push_text(Kind::global, global);
}

std::string Machine::nearest_key() const {
    for (std::size_t i = stack_.size(); i-- > 0 && i + kKeyDepth >= stack_.size();)
        if (values_[stack_[i]].kind == Kind::text) return printable(values_[stack_[i]].text);
    return {};
}

bool Machine::is_near(std::string_view text) const {
    for (std::size_t i = stack_.size(); i-- > 0 && i + kKeyDepth >= stack_.size();)
        if (values_[stack_[i]].kind == Kind::text && values_[stack_[i]].text == text) return true;
    return false;
}

void Machine::refuse_global(const std::string& module, const std::string& name) const {
    for (const TensorKind& known : kOtherTensors) {
        if (known.function != name || !module.starts_with("torch")) continue;
        const std::string key = nearest_key();
        refuse(fmt::format("{}{}", known.what, key.empty() ? "" : ": '" + key + "'"), "dense tensors of numbers",
               key.empty() ? fmt::format("in Python, before saving: call .{} on it", known.remedy)
                           : fmt::format("in Python, before saving: state['{}'] = state['{}'].{}", key, key, known.remedy));
    }
    refuse(fmt::format("the class or function '{}'", printable(module + "." + name)),
           "a state_dict: a dictionary of tensors, nothing that would run code. A whole module, an optimiser or a NumPy "
           "value is refused",
           advice());
}

/// A training checkpoint is a dictionary with the state_dict beside what is refused: then the file itself can be cut down.
std::string Machine::advice() const {
    const std::string_view text(reinterpret_cast<const char*>(data_.data()), data_.size());
    const std::size_t start = text.size() > 2 && text[2] == '\x95' ? 11 : 2;  // behind PROTO and FRAME
    if (text.size() <= start || text[start] != '}') return kSaveState;
    for (const std::string_view key : kStateKeys) {
        const std::string short_text = std::string(1, static_cast<char>(key.size())) + std::string(key);
        const std::string long_text = std::string(1, static_cast<char>(key.size())) + std::string(3, '\0') + std::string(key);
        if (text.find("X" + long_text) == std::string_view::npos && text.find("\x8c" + short_text) == std::string_view::npos)
            continue;
        return fmt::format(
            "in Python, where its classes are known: ck = torch.load('{}', map_location='cpu', weights_only=False); "
            "torch.save(ck['{}']{}, 'weights.pth')",
            where_.substr(0, where_.rfind(", ")), key,
            nearest_key() == key || (nearest_key() == "module" && is_near(key)) ? ".state_dict()" : "");
    }
    return kSaveState;
}

bool Machine::do_object(std::uint8_t opcode) {
    switch (opcode) {
        case 'c': {  // GLOBAL
            const std::string module = take_line();
            push_global(module, take_line());
            return true;
        }
        case 0x93: {  // STACK_GLOBAL
            const PickleIndex name = pop();
            const PickleIndex module = pop();
            if (value(name).kind != Kind::text || value(module).kind != Kind::text)
                refuse("a class named by " + describe(value(module)) + " and " + describe(value(name)), "two texts");
            // Copies: the vector of values may grow.
            push_global(std::string(value(module).text), std::string(value(name).text));
            return true;
        }
        case 'R':   // REDUCE
        case 0x81:  // NEWOBJ: cls.__new__(cls, *args), the same for what is allowed
            call();
            return true;
        case 'b':  // BUILD
            build();
            return true;
        case 'Q':  // BINPERSID
            load_persistent();
            return true;
        default:
            return false;
    }
}

void Machine::call() {
    const PickleIndex arguments_index = pop();
    const PickleIndex function_index = pop();
    if (value(function_index).kind != Kind::global || value(arguments_index).kind != Kind::tuple)
        refuse("a call of " + describe(value(function_index)) + " with " + describe(value(arguments_index)),
               "a class or function, and a tuple");
    if (value(arguments_index).items.size() > kMaxArguments)
        refuse("a call with " + describe(value(arguments_index)), "a few arguments");
    // Copies: the vector of values may grow.
    const std::string function = value(function_index).text;
    const PickleValue arguments = value(arguments_index);
    if (function == kOrderedDict) return push(make_ordered_dict(arguments));
    if (function == kParameter) return push(make_parameter(function, arguments));
    if (std::find(kTensor.begin(), kTensor.end(), function) != kTensor.end()) return push(make_tensor(function, arguments));
    if (function == kSize && arguments.items.size() == 1 && value(arguments.items[0]).kind == Kind::tuple)
        return push(arguments.items[0]);
    refuse("a call of " + printable(function) + " with " + describe(arguments), "arguments as torch.save writes them",
           kSaveState);
}

/// OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]).
PickleIndex Machine::make_ordered_dict(const PickleValue& arguments) {
    const PickleIndex index = make(Kind::dict);
    if (arguments.items.empty()) return index;
    const PickleValue& pairs = value(arguments.items[0]);
    if (arguments.items.size() > 1 || pairs.kind != Kind::list) refuse("an OrderedDict of " + describe(pairs), "a list of pairs");
    count_items(2 * pairs.items.size());
    for (const PickleIndex pair_index : pairs.items) {
        const PickleValue& pair = value(pair_index);
        if ((pair.kind != Kind::list && pair.kind != Kind::tuple) || pair.items.size() != 2)
            refuse("an OrderedDict with " + describe(pair), "pairs");
        value(index).items.insert(value(index).items.end(), pair.items.begin(), pair.items.end());
    }
    return index;
}

PickleIndex Machine::make_tensor(const std::string& function, const PickleValue& arguments) {
    const auto& items = arguments.items;
    const bool has_parts = items.size() >= 4 && items.size() <= 7 && value(items[0]).kind == Kind::storage &&
                           value(items[1]).kind == Kind::integer && value(items[2]).kind == Kind::tuple &&
                           value(items[3]).kind == Kind::tuple;
    if (!has_parts) refuse("a tensor made by " + function + " of other parts", "storage, offset, shape, strides");
    if (value(items[2]).items.size() != value(items[3]).items.size() || value(items[1]).integer < 0)
        refuse("a tensor whose shape, strides and offset do not agree", "a stride per side, an offset of at least 0");
    if (value(items[2]).items.size() > kMaxTensorDimensions)  // before a loop over them: many tensors may share one tuple
        refuse(fmt::format("a tensor of {} dimensions", value(items[2]).items.size()),
               fmt::format("at most {}", kMaxTensorDimensions));
    for (const std::size_t part : {std::size_t{2}, std::size_t{3}})
        for (const PickleIndex side : value(items[part]).items)
            if (value(side).kind != Kind::integer || value(side).integer < 0)
                refuse("a tensor with a shape or stride of " + describe(value(side)), "whole numbers, not negative");
    const std::int64_t offset = value(items[1]).integer;
    const PickleIndex index = make(Kind::tensor);
    value(index).items = {items[0], items[2], items[3]};
    value(index).integer = offset;
    return index;
}

/// (data, requires_grad, hooks): the tensor itself is what we want.
PickleIndex Machine::make_parameter(const std::string& function, const PickleValue& arguments) {
    if (arguments.items.size() != 3 || value(arguments.items[0]).kind != Kind::tensor)
        refuse("a call of " + function + " with " + describe(arguments), "tensor, requires_grad, hooks");
    return arguments.items[0];
}

/// A state_dict carries its modules' versions as the attribute _metadata: known, and not needed.
void Machine::build() {
    const PickleIndex state = pop();
    const PickleValue& object = top("BUILD", Kind::dict);
    const bool is_metadata = value(state).kind == Kind::dict && value(state).items.size() == 2 &&
                             value(value(state).items[0]).kind == Kind::text && value(value(state).items[0]).text == "_metadata";
    if (!is_metadata)
        refuse("attributes set on " + describe(object) + " from " + describe(value(state)), "the _metadata of a state_dict",
               kSaveState);
}

/// ("storage", class, key, location, elements [, view]): where the numbers are, not the numbers.
void Machine::load_persistent() {
    const PickleIndex id_index = pop();
    const PickleValue& id = value(id_index);
    const auto text_at = [&](std::size_t i) { return value(id.items[i]).kind == Kind::text ? value(id.items[i]).text : ""; };
    const bool is_tuple = id.kind == Kind::tuple && (id.items.size() == 5 || id.items.size() == 6);
    if (!is_tuple || text_at(0) != "storage")
        refuse(is_tuple ? "the persistent object '" + printable(text_at(0)) + "'" : "a persistent id that is " + describe(id),
               "a storage", kSaveState);
    const PickleValue& type = value(id.items[1]);
    const std::string_view dtype = type.kind == Kind::global ? dtype_of_storage_class(type.text) : std::string_view{};
    const PickleValue& elements = value(id.items[4]);
    if (dtype.empty() || value(id.items[2]).kind != Kind::text || value(id.items[2]).text.size() > kMaxKeyBytes ||
        elements.kind != Kind::integer || elements.integer < 0)
        refuse("a storage of " + describe(type) + ", key " + describe(value(id.items[2])) + ", " + describe(elements),
               "class, key, location, number of elements");
    if (id.items.size() == 6 && value(id.items[5]).kind != Kind::none)
        refuse("a storage that is a view of another (torch before 0.4)", "None",
               "load it in a newer torch and save the state_dict again");
    const std::string key = value(id.items[2]).text;
    const std::int64_t count = elements.integer;
    const PickleIndex index = make(Kind::storage);
    value(index).text = key;
    value(index).dtype = dtype;
    value(index).integer = count;
    push(index);
}

}  // namespace fairsweep::pickle_detail
