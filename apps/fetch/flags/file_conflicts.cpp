#include "file_conflicts.hpp"

#include "../escape.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace weir_fetch {
namespace {

namespace fs = std::filesystem;

/// Whether what is written to it stays there: not so for a device or a pipe.
bool is_file(const std::string& path)
{
    std::error_code ignored;
    const auto what = fs::status(path, ignored);
    return !path.empty() && path != "-" && (!fs::exists(what) || fs::is_regular_file(what));
}

bool are_same(const std::string& a, const std::string& b)
{
    std::error_code failed;
    if (fs::equivalent(a, b, failed))
        return true;
    const fs::path first = fs::weakly_canonical(a, failed);
    return !failed && first == fs::weakly_canonical(b, failed) && !failed;
}

} // namespace

std::string fault_of_files(const options& chosen)
{
    const std::pair<std::string_view, std::string> all[] = {
        {"--input-file", chosen.input_file}, {"--host-limits", chosen.host_limits_file},
        {"--remaining", chosen.remaining},   {"--results", chosen.results},
        {"--output", chosen.output},         {"--dump-header", chosen.dump_header}};
    for (const auto& [flag, path] : all)
        for (const auto& [other, its_path] : all) {
            const bool may_be = flag == "--input-file" && other == "--remaining";
            if (flag >= other || may_be || !is_file(path) || !is_file(its_path))
                continue;
            if (are_same(path, its_path))
                return std::string(flag) + " and " + std::string(other) + " name the same file, " +
                       escaped(path) +
                       ", and one would destroy the other: give each a file of its own";
        }
    return {};
}

} // namespace weir_fetch
