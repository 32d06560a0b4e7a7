#pragma once
/// Sums over the parts of a batch.
#include <utility>
#include <vector>

namespace fairsweep {

/// Sums of parts that come in order, as a balanced binary tree: complete subtrees wait for their neighbour.
template <class Value, class Add>
class PartsSum {
public:
    explicit PartsSum(Add add_parts) : add_(add_parts) {}
    void add(Value value) {
        int level = 0;
        for (; !waiting_.empty() && waiting_.back().second == level; ++level) value = with_last(std::move(value));
        waiting_.emplace_back(std::move(value), level);
    }
    /// Of all parts, at least one.
    [[nodiscard]] Value sum() {
        Value value = std::move(waiting_.back().first);
        waiting_.pop_back();
        while (!waiting_.empty()) value = with_last(std::move(value));
        return value;
    }

    /// The sums of complete subtrees so far, the nearest last.
    [[nodiscard]] std::vector<Value> take_subtrees() {
        std::vector<Value> subtrees;
        for (auto& [value, height] : waiting_) subtrees.push_back(std::move(value));
        waiting_.clear();
        return subtrees;
    }

private:
    [[nodiscard]] Value with_last(Value value) {
        Value left = std::move(waiting_.back().first);
        waiting_.pop_back();
        add_(left, value);
        return left;
    }
    Add add_;
    std::vector<std::pair<Value, int>> waiting_;  ///< a subtree's sum, and its height
};

}  // namespace fairsweep
