#include "flag_group.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace weir_fetch {
namespace {

class output_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
};

void output_group::add_to(CLI::App& app)
{
    app.add_option("--output-dir", chosen_.output_dir,
                   "store each body in DIR, under a safe name made from the URL; written as\n"
                   "NAME.part and renamed when complete; an existing file is never replaced")
        ->type_name("DIR");
    app.add_flag("--jsonl,--json", chosen_.json,
                 "print JSON lines: url, final_url, status, bytes, sha256, timings, error, file");
    app.add_flag("-s,--silent,-q,--quiet", chosen_.quiet, "no progress and no summary");
}

} // namespace

std::unique_ptr<flag_group> output_flags(options& chosen)
{
    return std::make_unique<output_group>(chosen);
}

} // namespace weir_fetch
