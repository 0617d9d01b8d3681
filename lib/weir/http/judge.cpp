#include <weir/http/judge.hpp>

#include <weir/http/date.hpp>
#include <weir/http/detail/fetch_retry.hpp>
#include <weir/http/detail/wall_clock.hpp>
#include <weir/http/error.hpp>

namespace weir::http {

void judge(this_attempt& current, const response& answer, std::string_view method, retried which)
{
    if (!detail::has_failed(answer))
        return;
    const error_code why = answer.error ? answer.error->code() : make_error_code(error_class::http);
    const bool again = detail::is_worth_another(answer, method, which);
    current.failed(why, again ? transience::transient : transience::permanent);
    if (const auto pause = retry_after(answer.fields, detail::wall_clock()))
        current.wait_at_least(*pause);
}

} // namespace weir::http
