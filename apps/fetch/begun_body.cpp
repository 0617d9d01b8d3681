#include "begun_body.hpp"

#include "escape.hpp"
#include "sha256.hpp"

#include <weir/http/date.hpp>
#include <weir/http/error.hpp>
#include <weir/http/validators.hpp>

#include <fstream>
#include <map>
#include <string_view>
#include <utility>

namespace weir_fetch {
namespace {

namespace http = weir::http;

void append_member(std::string& out, std::string_view name, std::string_view value)
{
    if (value.empty())
        return;
    ((out += ",\"") += name) += "\":";
    append_json(out, value);
}

/// As the library sees a response that broke off. The date was found to be strong when it came.
http::response as_broken(const begun_body& what, std::chrono::sys_seconds now)
{
    http::response out;
    out.status = 200;
    out.error = http::failure(http::error_class::incomplete, "it broke off");
    if (!what.etag.empty())
        out.fields.append("ETag", what.etag);
    if (!what.last_modified.empty()) {
        out.fields.append("Last-Modified", what.last_modified);
        out.fields.append("Date", http::format_date(now));
    }
    if (what.length)
        out.fields.append("Content-Length", std::to_string(*what.length));
    return out;
}

} // namespace

std::optional<begun_body> begun(const http::request& asked, const http::response& head,
                                std::chrono::sys_seconds now)
{
    http::response broken;
    broken.status = head.status;
    broken.fields = head.fields;
    broken.error = http::failure(http::error_class::incomplete, "it broke off");
    const auto rule = http::continuation::of(asked, broken, now);
    if (!rule || (rule->length() && *rule->length() < least_begun))
        return std::nullopt;
    const http::validators seen(head.fields, now);
    begun_body out;
    out.final_url = asked.target().str();
    out.boot = boot_id();
    out.length = rule->length();
    if (seen.strong() == seen.etag())
        out.etag = seen.etag();
    else
        out.last_modified = seen.strong();
    return out;
}

std::string fingerprint_of(const http::request& what)
{
    std::multimap<std::string, std::string_view> fields; // those of one name in their order
    for (const auto& field : what.fields()) {
        std::string name(field.name);
        for (char& c : name)
            if (c >= 'A' && c <= 'Z')
                c = static_cast<char>(c - 'A' + 'a');
        fields.emplace(std::move(name), field.value);
    }
    sha256 sum;
    sum.add(what.method());
    sum.add("\n");
    sum.add(what.target().authorization());
    for (const auto& [name, value] : fields) {
        sum.add("\n");
        sum.add(name);
        sum.add(":");
        sum.add(value);
    }
    return sum.hex().substr(0, 16);
}

std::optional<http::continuation> rest_of(const begun_body& what, const http::request& asked,
                                          std::chrono::sys_seconds now)
{
    return http::continuation::of(asked, as_broken(what, now), now);
}

const std::string& boot_id()
{
    static const std::string known = [] {
        std::string line;
        std::ifstream file("/proc/sys/kernel/random/boot_id");
        std::getline(file, line);
        return line;
    }();
    return known;
}

std::string journal_text(const begun_body& what)
{
    std::string out = "{\"begun\":";
    append_json(out, what.url);
    append_member(out, "request", what.request);
    append_member(out, "final_url", what.final_url);
    append_member(out, "output", what.output);
    append_member(out, "part", what.part);
    out += ",\"inode\":" + std::to_string(what.file.inode);
    out += ",\"born\":" + std::to_string(what.file.born);
    append_member(out, "boot", what.boot);
    append_member(out, "etag", what.etag);
    append_member(out, "last_modified", what.last_modified);
    if (what.length)
        out += ",\"length\":" + std::to_string(*what.length);
    return out += "}\n";
}

} // namespace weir_fetch
