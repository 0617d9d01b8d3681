#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace weir_fetch {

/// The entries whose results are in a buffer and not written yet.
class unwritten {
public:
    /// An entry whose result ends at `end` of the buffer.
    void add(std::size_t end, std::string text) { entries_.emplace_back(end, std::move(text)); }
    /// The first `size` bytes of the buffer were written, and removed from it.
    void written(std::size_t size)
    {
        while (!entries_.empty() && entries_.front().first <= size)
            entries_.pop_front();
        for (auto& each : entries_)
            each.first -= size;
    }
    /// All that is left, which will never be written.
    std::vector<std::string> take()
    {
        std::vector<std::string> out;
        for (auto& each : entries_)
            out.push_back(std::move(each.second));
        entries_.clear();
        return out;
    }

private:
    std::deque<std::pair<std::size_t, std::string>> entries_;
};

} // namespace weir_fetch
