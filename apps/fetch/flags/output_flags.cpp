#include "flag_group.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class output_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    bool no_hash_ = false;
};

void output_group::add_to(CLI::App& app)
{
    app.add_option("--output-dir", chosen_.output_dir,
                   "store each body in DIR, under a safe name made from the URL; written as\n"
                   "NAME.part and renamed when complete; an existing file is never replaced")
        ->type_name("DIR");
    app.add_flag("--jsonl", chosen_.jsonl,
                 "print JSON lines, one for each result, with everything known about it");
    app.add_flag("--no-hash", no_hash_, "do not compute the SHA-256 of bodies for JSON lines");
    app.add_flag("-s,--silent", chosen_.silent, "no progress and no summary");
}

std::string output_group::finish()
{
    chosen_.hash = !no_hash_;
    return {};
}

} // namespace

std::unique_ptr<flag_group> output_flags(options& chosen)
{
    return std::make_unique<output_group>(chosen);
}

} // namespace weir_fetch
