#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir_fetch {

/// Tells a file from another one that has its name, and maybe its inode, later.
struct file_identity {
    std::uint64_t inode = 0;
    std::int64_t born = 0; // nanoseconds since 1970; 0 where the file system does not say

    bool operator==(const file_identity&) const = default;
};

/// Tells a file from one that was written since, too.
struct file_state {
    file_identity file; // `born` may be 0
    std::uint64_t size = 0;
    std::int64_t changed = 0; // nanoseconds since 1970: its content, not its name

    bool operator==(const file_state&) const = default;
};

/// By name: a run that was killed may have left any of these states.
using states_of_files = std::unordered_map<std::string, std::vector<file_state>>;

} // namespace weir_fetch
