#include <weir/http/detail/tunnel.hpp>

#include <weir/http/detail/response_limits.hpp>
#include <weir/http/detail/status_name.hpp>

#include <utility>

namespace weir::http::detail {
namespace {

response_limits limits_of_reply()
{
    response_limits limits;
    limits.header_bytes = 16 * 1024;
    limits.header_fields = 100;
    return limits;
}

} // namespace

tunnel::tunnel(const proxy& through, std::string to)
    : through_(through), to_(std::move(to)), reader_("CONNECT", limits_of_reply(), nullptr, reply_)
{
}

std::string tunnel::head(std::string_view user_agent) const
{
    std::string out = "CONNECT " + to_ + " HTTP/1.1\r\nHost: " + to_ + "\r\nUser-Agent: ";
    out.append(user_agent).append("\r\n");
    if (!through_.authorization.empty())
        out += "Proxy-Authorization: " + through_.authorization + "\r\n";
    return out + "\r\n";
}

bool tunnel::took(std::string_view& bytes)
{
    const auto at = reader_.feed(bytes);
    if (at == response_reader::state::more)
        return false;
    judge();
    return true;
}

void tunnel::ended(error_code how)
{
    reader_.end(how);
    judge();
}

void tunnel::judge()
{
    const std::string where = "the proxy " + through_.name + " made no tunnel to " + to_ + ": ";
    if (reply_.error) {
        fault_ = failure(error_class::proxy, where + reply_.error->text(), reply_.error->code());
        return;
    }
    if (reply_.status / 100 == 2)
        return;
    std::string why = std::to_string(reply_.status);
    const auto name = status_name(reply_.status);
    if (!name.empty())
        why.append(" ").append(name);
    if (reply_.status == 407)
        why += through_.authorization.empty() ? "; write http://user:password@host:port"
                                              : "; it does not accept this user name and password";
    fault_ = failure(error_class::proxy, where + why);
}

} // namespace weir::http::detail
