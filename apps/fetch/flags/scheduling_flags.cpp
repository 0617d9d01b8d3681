#include "flag_group.hpp"
#include "values.hpp"

#include <weir/rate.hpp>

#include <CLI/CLI.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace weir_fetch {
namespace {

class scheduling_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    std::string rate_;
    std::string host_rate_;
    std::uint64_t max_errors_ = 0;
    CLI::Option* max_errors_given_ = nullptr;
    bool fail_early_ = false;
};

/// Reads `20`, `20/s`, `90/m`, `90/h` or `90/d`; nothing when it is none of these.
std::optional<weir::rate> rate_of(const std::string& text)
{
    std::uint64_t count = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, count);
    const std::string_view unit(read.ptr, static_cast<std::size_t>(end - read.ptr));
    if (read.ec != std::errc{} || count == 0 || count > 1'000'000'000)
        return std::nullopt;
    if (unit.empty() || unit == "/s")
        return weir::rate::per_second(count);
    if (unit == "/m")
        return weir::rate::per_minute(count);
    if (unit == "/h")
        return weir::rate(count, std::chrono::hours(1));
    if (unit == "/d")
        return weir::rate(count, std::chrono::hours(24));
    return std::nullopt;
}

CLI::Validator a_rate()
{
    const auto check = [](const std::string& text) -> std::string {
        if (rate_of(text))
            return {};
        return "must be a whole number from 1 and a unit of time: 20/s, 90/m, 90/h or 90/d, not '" +
               text + "'";
    };
    return CLI::Validator(check, "");
}

void scheduling_group::add_to(CLI::App& app)
{
    app.add_option("-j,--jobs,--parallel-max", chosen_.jobs, "URLs fetched at a time (50)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
    app.add_option("--per-host,--parallel-max-host", chosen_.per_host,
                   "of those, of one host (scheme, name and port) (8)")
        ->type_name("N")
        ->check(number(1, 1'000'000));
    app.add_option(
           "--rate", rate_,
           "requests begun in a second (/s), minute (/m), hour (/h) or day (/d), all hosts\n"
           "together, redirects and retries too (no limit)")
        ->type_name("N[/s|/m|/h|/d]")
        ->check(a_rate());
    app.add_option("--host-rate", host_rate_, "the same for each host (no limit)")
        ->type_name("N[/s|/m|/h|/d]")
        ->check(a_rate());
    app.add_option("--give-up-after", chosen_.give_up_after,
                   "after so many requests in a row that a host did not answer, its URLs fail at\n"
                   "once for 30 s, with class given_up; 0: never (8)")
        ->type_name("N")
        ->check(number(0, 64));
    app.add_flag("--fail-early", fail_early_, "begin no more URLs after the first that failed");
    max_errors_given_ = app.add_option("--max-errors", max_errors_,
                                       "begin no more URLs after N that failed (no limit)")
                            ->type_name("N")
                            ->check(number(1, 1'000'000'000'000));
}

std::string scheduling_group::finish()
{
    if (fail_early_ && max_errors_given_->count() != 0)
        return "--fail-early and --max-errors exclude each other";
    if (max_errors_given_->count() != 0)
        chosen_.max_errors = max_errors_;
    if (fail_early_)
        chosen_.max_errors = 1;
    if (!rate_.empty())
        chosen_.rate = rate_of(rate_);
    if (!host_rate_.empty())
        chosen_.host_rate = rate_of(host_rate_);
    return {};
}

} // namespace

std::unique_ptr<flag_group> scheduling_flags(options& chosen)
{
    return std::make_unique<scheduling_group>(chosen);
}

} // namespace weir_fetch
