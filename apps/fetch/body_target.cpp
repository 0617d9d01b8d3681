#include "body_target.hpp"

#include <filesystem>
#include <string>
#include <system_error>

namespace weir_fetch {

bool is_standard_output(const std::string& file)
{
    return file == "-" || file == "/dev/stdout";
}

body_target target_of(const options& chosen)
{
    namespace fs = std::filesystem;
    if (!chosen.output_dir.empty())
        return body_target::directory;
    if (chosen.output.empty() || chosen.output == "/dev/null")
        return body_target::nowhere;
    if (is_standard_output(chosen.output))
        return body_target::stream;
    std::error_code ignored;
    const auto kind = fs::status(chosen.output, ignored).type();
    const bool is_file = kind == fs::file_type::not_found || kind == fs::file_type::none ||
                         kind == fs::file_type::regular || kind == fs::file_type::directory;
    return is_file ? body_target::file : body_target::stream;
}

} // namespace weir_fetch
