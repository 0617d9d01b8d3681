#include <weir/http/client.hpp>

#include <weir/http/detail/client_state.hpp>
#include <weir/http/detail/resident_client.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <stdexcept>
#include <utility>

namespace weir::http {

namespace asio = boost::asio;
using state = detail::client_state;

namespace {

asio::any_io_executor not_empty(asio::any_io_executor executor)
{
    if (!executor)
        throw std::invalid_argument("weir::http::client: the executor is empty");
    return executor;
}

} // namespace

client::client(executor_type executor, client_options options, std::shared_ptr<network> lines)
    : inside_(std::make_unique<detail::resident_client>(not_empty(std::move(executor)),
                                                        std::move(options), std::move(lines)))
{
}

client::~client()
{
    close_idle();
}

client::executor_type client::get_executor() const noexcept
{
    return inside_->home().fallback();
}

/// Ends a call that begins when the context is gone.
template <class T>
bool client::ends_at_once(const std::shared_ptr<detail::call<T>>& whole) const
{
    if (inside_->state())
        return false;
    failure why(error_class::aborted, "the context of the client is gone");
    whole->begin(state::refuse(std::move(why), whole->value()));
    return true;
}

asio::awaitable<hop> client::step(request what, body_sink sink)
{
    return step(std::move(what), head_sink(), std::move(sink));
}

asio::awaitable<hop> client::step(request what, head_sink head, body_sink sink,
                                  std::shared_ptr<exchange_watcher> watcher)
{
    return step(std::move(what), std::move(head), std::move(sink), std::move(watcher), nullptr);
}

asio::awaitable<hop> client::step(request what, head_sink head, body_sink sink,
                                  std::shared_ptr<exchange_watcher> watcher,
                                  std::weak_ptr<detail::call<hop>>* running)
{
    return weir::detail::initiate<void(hop)>(*this, asio::use_awaitable, start_step(),
                                             std::move(what), std::move(head), std::move(sink),
                                             std::move(watcher), running);
}

void client::begin(request what, head_sink head, body_sink sink,
                   std::shared_ptr<exchange_watcher> watcher, const step_call& whole) const
{
    if (ends_at_once(whole))
        return;
    state::begin(state::step(inside_->state(), std::move(what), std::move(head), std::move(sink),
                             std::move(watcher), whole->value()),
                 *whole);
}

void client::begin(request what, const response_call& whole) const
{
    if (ends_at_once(whole))
        return;
    state::begin(state::keep(inside_->state(), std::move(what), whole->value()), *whole);
}

void client::begin(std::string url, const response_call& whole) const
{
    if (ends_at_once(whole))
        return;
    auto target = http::url::parse(url);
    if (target)
        begin(request(*target), whole);
    else
        whole->begin(state::refuse(target.error(), whole->value()));
}

void client::begin(request what, body_sink sink, const response_call& whole) const
{
    if (ends_at_once(whole))
        return;
    state::begin(state::pass_on(inside_->state(), std::move(what), std::move(sink), whole->value()),
                 *whole);
}

void client::begin(request what, body_receiver* to, const response_call& whole) const
{
    if (ends_at_once(whole))
        return;
    state::begin(state::give(inside_->state(), std::move(what), *to, whole->value()), *whole);
}

void client::begin(request what, const open_call& whole) const
{
    if (ends_at_once(whole))
        return;
    whole->begin(state::open(inside_->state(), std::move(what), whole->value()));
}

std::size_t client::idle() const noexcept
{
    return inside_->state() ? inside_->state()->sessions().idle() : 0;
}

bool client::has_idle(const std::string& origin) const
{
    return inside_->state() && inside_->state()->sessions().has_free(origin);
}

std::size_t client::connections() const noexcept
{
    return inside_->state() ? inside_->state()->sessions().size() : 0;
}

void client::close_idle()
{
    if (const auto& kept = inside_->state())
        kept->sessions().close_idle();
}

} // namespace weir::http
