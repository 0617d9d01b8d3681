#include "flag_group.hpp"
#include "request_texts.hpp"
#include "values.hpp"

#include <weir/http/date.hpp>
#include <weir/http/headers.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

using weir::http::same_token;

class request_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    void add_headers(CLI::App& app);
    void add_limits(CLI::App& app);
    std::string read_fields();
    std::string read_field_of(const std::string& text);
    std::string add_own_fields();
    void add_unless_given(std::string_view name, std::string value);

    std::vector<std::string> fields_;
    std::vector<std::string> cookies_;
    std::string user_, token_, referer_, range_, time_, scheme_;
    CLI::Option* user_agent_given_ = nullptr;
    int max_redirects_ = 10;
    std::uint64_t max_filesize_ = 0;
    std::uint64_t max_decoded_ = 0;
    CLI::Option* max_filesize_given_ = nullptr;
    CLI::Option* max_decoded_given_ = nullptr;
    bool location_ = false;
    bool no_location_ = false;
};

void request_group::add_to(CLI::App& app)
{
    add_headers(app);
    add_limits(app);
}

void request_group::add_headers(CLI::App& app)
{
    app.add_option("-H,--header", fields_,
                   "send this header too (none); 'NAME:' sends none of this name, 'NAME;' an empty "
                   "one, '@FILE' the lines of a file; a redirect to another host drops it, except "
                   "for Accept and similar headers")
        ->type_name("'NAME: VALUE'")
        ->allow_extra_args(false);
    user_agent_given_ = app.add_option("-A,--user-agent", chosen_.user_agent,
                                       "the User-Agent header (weir/ and the version); '' for none")
                            ->type_name("TEXT");
    app.add_option("-e,--referer", referer_, "the Referer header (none)")->type_name("URL");
    app.add_option("-b,--cookie", cookies_,
                   "the Cookie header (none); cookies of servers are not kept")
        ->type_name("'NAME=VALUE'")
        ->allow_extra_args(false);
    app.add_option("-u,--user", user_,
                   "send the user and password as Basic (none), not to other hosts")
        ->type_name("USER:PASSWORD");
    app.add_option("--oauth2-bearer", token_, "send a Bearer token (none), not to other hosts")
        ->type_name("TOKEN");
    app.add_option("-r,--range", range_,
                   "ask for a part of the body, such as 0-499, 500- or -500 (all of it)")
        ->type_name("RANGE");
    app.add_option("-z,--time-cond", time_,
                   "only if it is newer than this (no condition); '-TIME': only if it is older; a "
                   "date, or a file: its time")
        ->type_name("TIME");
    app.add_flag("--compressed", chosen_.compressed,
                 "ask for compressed bodies, and store them decoded");
}

void request_group::add_limits(CLI::App& app)
{
    app.add_flag("-L,--location", location_, "follow redirects (the default)");
    app.add_flag("--no-location", no_location_, "do not follow redirects: report them as answers");
    app.add_option("--max-redirs", max_redirects_,
                   "redirects followed for one URL (10); -1 for no limit")
        ->type_name("N")
        ->check(redirects());
    max_filesize_given_ =
        app.add_option(
               "--max-filesize", max_filesize_,
               "largest body as transferred, before decoding, such as 500k or 1G (no limit)")
            ->type_name("BYTES")
            ->transform(bytes());
    max_decoded_given_ = app.add_option("--max-decoded", max_decoded_,
                                        "largest body after decoding (as --max-filesize)")
                             ->type_name("BYTES")
                             ->transform(bytes());
    app.add_option("--proto-default", scheme_, "the scheme of URLs that have none (http)")
        ->type_name("SCHEME");
    app.add_flag("--path-as-is", chosen_.path_as_is, "send /./ and /../ as they are written");
}

std::string request_group::finish()
{
    if (location_ && no_location_)
        return "--location and --no-location exclude each other: leave one of them out";
    for (const char* each : {"http", "https"})
        if (same_token(scheme_, each))
            chosen_.default_scheme = each;
    if (!scheme_.empty() && !same_token(scheme_, chosen_.default_scheme))
        return "--proto-default: write http or https, not '" + scheme_ + "'";
    if (std::string fault = read_fields(); !fault.empty())
        return fault;
    if (std::string fault = add_own_fields(); !fault.empty())
        return fault;
    chosen_.max_redirects = max_redirects_ < 0 ? std::numeric_limits<unsigned>::max()
                                               : static_cast<unsigned>(max_redirects_);
    if (no_location_)
        chosen_.max_redirects = 0;
    if (max_filesize_given_->count() != 0)
        chosen_.max_filesize = max_filesize_;
    if (max_decoded_given_->count() != 0)
        chosen_.max_decoded = max_decoded_;
    return {};
}

std::string request_group::read_fields()
{
    for (const std::string& text : fields_) {
        std::vector<std::string> lines = {text};
        try {
            if (text.starts_with('@'))
                lines = lines_of(text.substr(1));
        } catch (const std::exception& e) {
            return "--header: " + std::string(e.what());
        }
        for (const std::string& line : lines)
            if (std::string fault = read_field_of(line); !fault.empty())
                return fault;
    }
    return {};
}

std::string request_group::read_field_of(const std::string& text)
{
    auto field = read_field(text);
    if (!field)
        return "--header: not of the form 'Name: value': " + text;
    if (!field->is_removed) {
        chosen_.headers.emplace_back(std::move(field->name), std::move(field->value));
        return {};
    }
    if (same_token(field->name, "Host") || same_token(field->name, "Content-Length"))
        return "--header: every request needs " + field->name +
               "; give it a value, or leave it out";
    if (same_token(field->name, "Expect"))
        chosen_.expect = false;
    if (same_token(field->name, "Accept-Encoding"))
        chosen_.compressed = false;
    chosen_.without.push_back(std::move(field->name));
    return {};
}

/// Those that flags of their own ask for.
std::string request_group::add_own_fields()
{
    if (!weir::http::is_field_value(chosen_.user_agent))
        return "--user-agent: it holds a line break";
    if (user_agent_given_->count() != 0 && chosen_.user_agent.empty())
        chosen_.without.emplace_back("User-Agent");
    if (referer_.ends_with(";auto"))
        return "--referer: ';auto' is not supported yet; give a URL";
    if (!user_.empty() && user_.find(':') == std::string::npos)
        return "--user: the password is not asked for; write USER:PASSWORD, or 'USER:' for none";
    if (!user_.empty() && !token_.empty())
        return "--user and --oauth2-bearer exclude each other: leave one of them out";
    if (range_.find_first_not_of("0123456789-, ") != std::string::npos ||
        (!range_.empty() && range_.find('-') == std::string::npos))
        return "--range: write 0-499, 500- or -500, not '" + range_ + "'";
    std::string cookies;
    for (const std::string& each : cookies_) {
        if (each.find('=') == std::string::npos)
            return "--cookie: cookies are not read from files; write 'NAME=VALUE', not '" + each +
                   "'";
        cookies += (cookies.empty() ? "" : "; ") + each;
    }
    add_unless_given("Referer", referer_);
    add_unless_given("Cookie", cookies);
    add_unless_given("Authorization", user_.empty() ? "" : basic_authorization(user_));
    add_unless_given("Authorization", token_.empty() ? "" : "Bearer " + token_);
    add_unless_given("Range", range_.empty() ? "" : "bytes=" + range_);
    if (time_.empty())
        return {};
    const bool older = time_.starts_with('-');
    const auto time = time_of(older ? time_.substr(1) : time_);
    if (!time)
        return "--time-cond: neither a date, such as 2026-11-22, nor a file: " + time_;
    add_unless_given(older ? "If-Unmodified-Since" : "If-Modified-Since",
                     weir::http::format_date(*time));
    return {};
}

/// As with curl, what -H says goes before.
void request_group::add_unless_given(std::string_view name, std::string value)
{
    const auto is_it = [name](const std::string& other) { return same_token(other, name); };
    const bool given = std::any_of(chosen_.headers.begin(), chosen_.headers.end(),
                                   [&](const auto& field) { return is_it(field.first); }) ||
                       std::any_of(chosen_.without.begin(), chosen_.without.end(), is_it);
    if (!given && !value.empty())
        chosen_.headers.emplace_back(name, std::move(value));
}

} // namespace

std::unique_ptr<flag_group> request_flags(options& chosen)
{
    return std::make_unique<request_group>(chosen);
}

} // namespace weir_fetch
