#include "flag_group.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class remote_name_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    bool remote_name_ = false;
};

void remote_name_group::add_to(CLI::App& app)
{
    app.add_flag("-O,--remote-name,--remote-name-all", remote_name_,
                 "store each body under a safe name made from its URL: the same as\n"
                 "--output-dir ., unless there is one");
}

std::string remote_name_group::finish()
{
    if (remote_name_ && !chosen_.output.empty())
        return "--remote-name and --output exclude each other: leave one of them out";
    if (remote_name_ && chosen_.output_dir.empty())
        chosen_.output_dir = ".";
    return {};
}

} // namespace

std::unique_ptr<flag_group> remote_name_flags(options& chosen)
{
    return std::make_unique<remote_name_group>(chosen);
}

} // namespace weir_fetch
