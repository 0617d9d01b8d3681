#include "flag_group.hpp"
#include "values.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace weir_fetch {
namespace {

class time_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    double max_time_ = 0;
    CLI::Option* max_time_given_ = nullptr;
};

void time_group::add_to(CLI::App& app)
{
    max_time_given_ = app.add_option("-m,--max-time", max_time_,
                                     "time for one URL, redirects included (no limit)")
                          ->type_name("SECONDS")
                          ->check(seconds());
    app.add_option("--connect-timeout", chosen_.connect_timeout,
                   "time for look-up, connection and TLS together (30)")
        ->type_name("SECONDS")
        ->check(seconds());
}

std::string time_group::finish()
{
    if (max_time_given_->count() != 0)
        chosen_.max_time = max_time_;
    return {};
}

} // namespace

std::unique_ptr<flag_group> time_flags(options& chosen)
{
    return std::make_unique<time_group>(chosen);
}

} // namespace weir_fetch
