#include "flag_group.hpp"
#include "values.hpp"

#include <weir/http/headers.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

/// Splits `Name: value`, as curl does; nothing when it is not of this form.
std::optional<std::pair<std::string, std::string>> field(const std::string& text)
{
    const auto colon = text.find(':');
    if (colon == std::string::npos)
        return std::nullopt;
    std::string name = text.substr(0, colon);
    const auto begin = text.find_first_not_of(" \t", colon + 1);
    std::string value = begin == std::string::npos ? std::string() : text.substr(begin);
    if (!weir::http::is_field_name(name) || !weir::http::is_field_value(value))
        return std::nullopt;
    return std::pair(std::move(name), std::move(value));
}

class request_group final : public flag_group {
public:
    using flag_group::flag_group;
    void add_to(CLI::App& app) override;
    std::string finish() override;

private:
    std::uint64_t max_filesize_ = 0;
    CLI::Option* max_filesize_given_ = nullptr;
    std::vector<std::string> fields_;
    bool location_ = false;
    bool no_location_ = false;
};

void request_group::add_to(CLI::App& app)
{
    app.add_flag("-L,--location", location_, "follow redirects (the default)");
    app.add_flag("--no-location", no_location_, "do not follow redirects: report them as answers");
    app.add_option("--max-redirs", chosen_.max_redirects, "redirects followed for one URL (10)")
        ->type_name("N")
        ->check(number(0, 1000));
    max_filesize_given_ = app.add_option("--max-filesize", max_filesize_,
                                         "largest body, such as 500k, 10M or 1G (no limit)")
                              ->type_name("BYTES")
                              ->transform(bytes());
    app.add_flag("-I,--head", chosen_.head, "ask for headers alone, without bodies");
    app.add_flag("--compressed", chosen_.compressed,
                 "ask for compressed bodies, and store them decoded");
    app.add_option("-A,--user-agent", chosen_.user_agent, "the User-Agent header")
        ->type_name("TEXT");
    app.add_option("-H,--header", fields_,
                   "send this header too; a redirect to another host drops it, except for Accept\n"
                   "and similar headers")
        ->type_name("'NAME: VALUE'")
        ->allow_extra_args(false);
    app.add_option("--cacert", chosen_.ca_file,
                   "trust the certificates in FILE (PEM) instead of the system's")
        ->type_name("FILE");
    app.add_flag("-k,--insecure", chosen_.insecure, "accept any certificate");
}

std::string request_group::finish()
{
    if (location_ && no_location_)
        return "--location and --no-location exclude each other";
    if (!weir::http::is_field_value(chosen_.user_agent))
        return "--user-agent holds a line break";
    for (const auto& text : fields_) {
        auto f = field(text);
        if (!f)
            return "not a header of the form 'Name: value': " + text;
        chosen_.headers.push_back(std::move(*f));
    }
    if (no_location_)
        chosen_.max_redirects = 0;
    if (max_filesize_given_->count() != 0)
        chosen_.max_filesize = max_filesize_;
    return {};
}

} // namespace

std::unique_ptr<flag_group> request_flags(options& chosen)
{
    return std::make_unique<request_group>(chosen);
}

} // namespace weir_fetch
