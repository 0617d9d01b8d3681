#include <weir/http/detail/fetch_retry.hpp>

#include <weir/http/error.hpp>
#include <weir/http/phase.hpp>
#include <weir/http/processed.hpp>
#include <weir/http/request.hpp>

#include <boost/asio/error.hpp>

namespace weir::http::detail {
namespace {

bool is_transient(unsigned status)
{
    switch (status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

/// A name that is known not to exist will not exist a second later.
bool is_transient_look_up(const error_code& error)
{
    return error && error != boost::asio::error::host_not_found &&
           error != boost::asio::error::no_data;
}

bool is_transient(error_class kind, const response& answer)
{
    switch (kind) {
    case error_class::connect:
    case error_class::timeout:
    case error_class::incomplete:
        return true;
    case error_class::dns:
        return is_transient_look_up(answer.error->code());
    case error_class::http:
        return is_transient(answer.status);
    default:
        return false;
    }
}

bool can_change(error_class kind)
{
    switch (kind) {
    case error_class::bad_url:
    case error_class::blocked:
    case error_class::io:
    case error_class::given_up:
    case error_class::aborted:
    case error_class::internal:
        return false;
    default:
        return true;
    }
}

} // namespace

bool has_failed(const response& answer)
{
    return answer.error || answer.status >= 400;
}

bool is_worth_another(const response& answer, std::string_view method, retried which)
{
    if (!has_failed(answer))
        return false;
    if (answer.processed != processed::no && !is_idempotent(method))
        return false; // the server may have acted on it
    const error_class kind = answer.error ? answer.error->kind() : error_class::http;
    return which == retried::any ? can_change(kind) : is_transient(kind, answer);
}

bool is_unanswered(const response& answer)
{
    if (answer.status != 0 || !answer.error)
        return false;
    switch (answer.error->kind()) {
    case error_class::connect:
    case error_class::incomplete:
        return true;
    case error_class::timeout: // one that waited for a place of the client says nothing of a server
        return answer.attempts.empty() || answer.attempts.back().reached != phase::queue;
    default:
        return false;
    }
}

bool is_refusal(const response& answer)
{
    return answer.status == 429 || (answer.status == 503 && !answer.fields["Retry-After"].empty());
}

} // namespace weir::http::detail
