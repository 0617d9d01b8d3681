#include "flag_group.hpp"
#include "values.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace weir_fetch {
namespace {

class scheduling_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
};

void scheduling_group::add_to(CLI::App& app)
{
    app.add_option("-j,--jobs,--parallel-max", chosen_.jobs, "URLs fetched at a time (50)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
    app.add_option("--per-host,--parallel-max-host", chosen_.per_host,
                   "of those, of one host (scheme, name and port) (8)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
}

} // namespace

std::unique_ptr<flag_group> scheduling_flags(options& chosen)
{
    return std::make_unique<scheduling_group>(chosen);
}

} // namespace weir_fetch
