#include "flag_group.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class default_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;

private:
    bool ignored_ = false;
};

void default_group::add_to(CLI::App& app)
{
    app.add_flag("-f,--fail", ignored_,
                 "an answer of 400 or above is a failure, its body is not stored (but see\n"
                 "--fail-with-body)");
    app.add_flag("-S,--show-error", ignored_, "errors stand in the results, with -s too");
    app.add_flag("-Z,--parallel", ignored_, "URLs are fetched side by side");
    app.add_flag("-#,--progress-bar", ignored_, "progress is shown on a terminal");
    app.add_flag("-N,--no-buffer", ignored_, "results are written as they come");
    app.add_flag("-g,--globoff", ignored_, "brackets and braces in URLs mean themselves");
    app.add_flag("--basic", ignored_, "-u sends the user and password as Basic");
    app.add_flag("--http1.1", ignored_, "the version of HTTP");
    app.add_flag("--remove-on-error", ignored_, "what is not complete is not kept");
}

} // namespace

std::unique_ptr<flag_group> default_flags(options& chosen)
{
    return std::make_unique<default_group>(chosen);
}

} // namespace weir_fetch
