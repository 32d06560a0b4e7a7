#include "compress/channel_groups.hpp"

#include <map>
#include <utility>

namespace fairsweep {
namespace {

using Layers = std::map<std::string, WeightedLayer*>;

/// Writes one group after another. Names are state names.
class GroupTable {
public:
    explicit GroupTable(Network& network) {
        for (const auto& [name, layer] : weighted_layers(network)) layers_.emplace(name, layer);
    }

    /// Channels that `layer` gives; later calls add to this group.
    GroupTable& group(const std::string& layer) {
        groups_.push_back({layer, static_cast<int>(layers_.at(layer)->weight.size(0)), {}, {}});
        return gives(layer);
    }
    GroupTable& gives(const std::string& layer) {
        groups_.back().slices.push_back({layer, 0, 1});
        return *this;
    }
    GroupTable& takes(const std::string& layer) {
        const auto width = static_cast<int>(layers_.at(layer)->weight.size(1));
        groups_.back().slices.push_back({layer, 1, width / groups_.back().channels});
        return *this;
    }
    GroupTable& norm(const std::string& name) {
        for (const char* tensor : {".weight", ".bias", ".running_mean", ".running_var"})
            groups_.back().vectors.push_back(name + tensor);
        return *this;
    }
    GroupTable& prelu(const std::string& name) {
        groups_.back().vectors.push_back(name + ".weight");
        return *this;
    }
    [[nodiscard]] std::vector<ChannelGroup> take() { return std::move(groups_); }

private:
    Layers layers_;
    std::vector<ChannelGroup> groups_;
};

std::vector<ChannelGroup> iresnet_groups(Network& network) {
    const Architecture& a = network.architecture;
    const auto block = [](std::size_t stage, int index) {
        return "layer" + std::to_string(stage + 1) + "." + std::to_string(index) + ".";
    };
    const auto opens = [](GroupTable& table, const std::string& first) {  // the block that takes the stage before
        table.norm(first + "bn1").takes(first + "conv1").takes(first + "downsample.0");
    };
    GroupTable table(network);
    table.group("conv1").norm("bn1").prelu("prelu");
    opens(table, block(0, 0));
    for (std::size_t stage = 0; stage < 4; ++stage) {
        const int blocks = a.stage_blocks[stage];
        for (int i = 0; i < blocks; ++i) {
            const std::string b = block(stage, i);
            table.group(b + "conv1").norm(b + "bn2").prelu(b + "prelu").takes(b + "conv2");
        }
        table.group(block(stage, 0) + "downsample.0").norm(block(stage, 0) + "downsample.1");
        for (int i = 0; i < blocks; ++i) {
            const std::string b = block(stage, i);
            if (i > 0) table.norm(b + "bn1").takes(b + "conv1");
            table.gives(b + "conv2").norm(b + "bn3");
            if (a.use_se) table.takes(b + "se_block.fc1").gives(b + "se_block.fc2");
        }
        if (stage < 3) opens(table, block(stage + 1, 0));
    }
    table.norm("bn2").takes("fc");
    return table.take();
}

std::vector<ChannelGroup> mobilefacenet_groups(Network& network) {
    const Architecture& a = network.architecture;
    GroupTable table(network);
    const auto closes = [&table](const std::string& block) {  // depthwise: gives what it takes
        table.gives(block + ".conv").norm(block + ".bn").prelu(block + ".prelu");
    };
    const auto inside = [&](const std::string& unit) {
        table.group(unit + ".conv.conv").norm(unit + ".conv.bn").prelu(unit + ".conv.prelu");
        closes(unit + ".conv_dw");
        table.takes(unit + ".project.conv");
    };
    const auto repeats = [](const std::string& part, int i) { return part + ".model." + std::to_string(i); };
    table.group("conv1.conv").norm("conv1.bn").prelu("conv1.prelu");
    closes("conv2_dw");
    table.takes("conv_23.conv.conv");
    struct Stream {
        const char *first, *rest, *next;
    };
    std::size_t part = 0;
    for (const Stream& stream :
         {Stream{"conv_23", "conv_3", "conv_34.conv.conv"}, Stream{"conv_34", "conv_4", "conv_45.conv.conv"},
          Stream{"conv_45", "conv_5", "conv_6_sep.conv"}}) {
        const std::string first = stream.first;
        const int units = a.stage_blocks[part++];
        inside(first);
        for (int i = 0; i < units; ++i) inside(repeats(stream.rest, i));
        table.group(first + ".project.conv").norm(first + ".project.bn");
        for (int i = 0; i < units; ++i) {
            const std::string unit = repeats(stream.rest, i);
            table.takes(unit + ".conv.conv").gives(unit + ".project.conv").norm(unit + ".project.bn");
        }
        table.takes(stream.next);
    }
    table.group("conv_6_sep.conv").norm("conv_6_sep.bn").prelu("conv_6_sep.prelu");
    table.gives("output_layer.conv_6_dw.conv").norm("output_layer.conv_6_dw.bn").takes("output_layer.linear");
    return table.take();
}

}  // namespace

std::vector<ChannelGroup> channel_groups(Network& network) {
    return network.architecture.family == NetworkFamily::iresnet ? iresnet_groups(network) : mobilefacenet_groups(network);
}

}  // namespace fairsweep
