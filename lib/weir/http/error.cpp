#include <weir/http/error.hpp>

#include <utility>

namespace weir::http {
namespace {

class http_category final : public error_category {
public:
    const char* name() const noexcept override { return "weir.http"; }
    std::string message(int value) const override
    {
        return std::string(http::name(static_cast<error_class>(value)));
    }
};

} // namespace

const error_category& category() noexcept
{
    static const http_category instance;
    return instance;
}

error_code make_error_code(error_class kind) noexcept
{
    return {static_cast<int>(kind), category()};
}

std::string_view name(error_class kind) noexcept
{
    switch (kind) {
    case error_class::bad_url:
        return "bad_url";
    case error_class::dns:
        return "dns";
    case error_class::connect:
        return "connect";
    case error_class::blocked:
        return "blocked";
    case error_class::proxy:
        return "proxy";
    case error_class::tls:
        return "tls";
    case error_class::timeout:
        return "timeout";
    case error_class::protocol:
        return "protocol";
    case error_class::incomplete:
        return "incomplete";
    case error_class::too_large:
        return "too_large";
    case error_class::redirect:
        return "redirect";
    case error_class::http:
        return "http";
    case error_class::io:
        return "io";
    case error_class::aborted:
        return "aborted";
    case error_class::internal:
        return "internal";
    case error_class::given_up:
        return "given_up";
    }
    return "unknown";
}

failure::failure(error_class kind, std::string text, error_code code)
    : kind_(kind), text_(std::move(text)), code_(code ? code : make_error_code(kind))
{
}

failed::failed(failure what) : std::runtime_error(what.text()), reason_(std::move(what)) {}

void throw_exception_from_error(const failure& what, const boost::source_location&)
{
    throw failed(what);
}

} // namespace weir::http
