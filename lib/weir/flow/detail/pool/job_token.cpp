#include <weir/flow/detail/pool/pool_state.hpp>
#include <weir/flow/job_options.hpp>

// A job's token, while the job runs. A part of `pool_state`, in a file of its own: a program whose
// jobs have none does not link it.

#include <utility>

namespace weir {
namespace detail {

void pool_state::listen_to_token(worker& w)
{
    const cancel_token& token = w.record()->options.token();
    const auto cancelled = [&w] {
        if (w.busy())
            w.cancel(asked_by_token(w.record()));
    };
    w.on_token.start(cancelled, [&](guarded_call::handler handler) {
        token.async_wait(w.get_executor(), std::move(handler));
    });
}

} // namespace detail

job_options& job_options::token(cancel_token t)
{
    token_ = std::move(t);
    listen_ = detail::pool_state::listen_to_token;
    return *this;
}

} // namespace weir
