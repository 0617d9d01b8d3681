#include "file_conflicts.hpp"

#include "../body_target.hpp"
#include "../escape.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

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
    // Of a relative path that is not there, nothing would be resolved.
    const fs::path first = fs::weakly_canonical(fs::absolute(a), failed);
    return !failed && first == fs::weakly_canonical(fs::absolute(b), failed) && !failed;
}

/// A file that a flag names.
struct named_file {
    std::string_view flag;
    std::string path;
    bool has_part; // it is written as `NAME.part`, which then gets its name
};

/// What the file is called while it is written: where a link leads, the part is made there.
std::string part_of(const named_file& what)
{
    std::error_code failed;
    const fs::path real = fs::canonical(what.path, failed);
    return (failed ? what.path : real.string()) + ".part";
}

/// Why `what` would destroy `other` while it is written; empty when it would not.
std::string fault_of_part(const named_file& what, const named_file& other)
{
    if (!what.has_part || !are_same(part_of(what), other.path))
        return {};
    return std::string(what.flag) + " " + escaped(what.path) + " is written as " +
           escaped(what.path + ".part") + " first, and that is the file of " +
           std::string(other.flag) + ": give one of them another name";
}

} // namespace

std::string fault_of_files(const options& chosen)
{
    constexpr const char* standard_input = "/dev/stdin"; // which may be a file
    const bool reads_input = chosen.input_file == "-";
    const named_file all[] = {
        {"--dump-header", chosen.dump_header, false},
        {"--host-limits", chosen.host_limits_file, false},
        {"--input-file", reads_input ? standard_input : chosen.input_file, false},
        {"--output", chosen.output, target_of(chosen) == body_target::file && !chosen.continues},
        {"--remaining", chosen.remaining, true},
        {"--results", chosen.results, false}};
    for (const named_file& one : all)
        for (const named_file& other : all) {
            if (one.flag >= other.flag || !is_file(one.path) || !is_file(other.path))
                continue;
            if (std::string fault = fault_of_part(one, other); !fault.empty())
                return fault;
            if (std::string fault = fault_of_part(other, one); !fault.empty())
                return fault;
            const bool may_be = one.flag == "--input-file" && other.flag == "--remaining";
            if (!may_be && are_same(one.path, other.path))
                return std::string(one.flag) + " and " + std::string(other.flag) +
                       " name the same file, " + escaped(other.path) +
                       ", and one would destroy the other: give each a file of its own";
        }
    return {};
}

} // namespace weir_fetch
