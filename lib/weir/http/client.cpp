#include <weir/http/client.hpp>

#include <weir/http/detail/client_state.hpp>
#include <weir/http/url.hpp>

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
    : state_(std::make_shared<state>(not_empty(std::move(executor)), std::move(options),
                                     std::move(lines)))
{
}

client::~client()
{
    state_->sessions().close_idle();
}

client::executor_type client::get_executor() const noexcept
{
    return state_->executor();
}

asio::awaitable<hop> client::step(request what, body_sink sink)
{
    return state::step(state_, std::move(what), std::move(sink));
}

void client::begin(request what, response_handler handler) const
{
    state_->begin(state::keep(state_, std::move(what)), std::move(handler));
}

void client::begin(std::string url, response_handler handler) const
{
    auto target = http::url::parse(url);
    if (target)
        begin(request(std::move(*target)), std::move(handler));
    else
        state_->begin(state::refuse(target.error()), std::move(handler));
}

void client::begin(request what, body_sink sink, response_handler handler) const
{
    state_->begin(state::pass_on(state_, std::move(what), std::move(sink)), std::move(handler));
}

void client::begin(request what, body_receiver* to, response_handler handler) const
{
    state_->begin(state::give(state_, std::move(what), *to), std::move(handler));
}

void client::begin(request what, open_handler handler) const
{
    state_->begin(state::open(state_, std::move(what)), std::move(handler));
}

std::size_t client::idle() const noexcept
{
    return state_->sessions().idle();
}

bool client::has_idle(const std::string& origin) const
{
    return state_->sessions().has_free(origin);
}

std::size_t client::open() const noexcept
{
    return state_->sessions().size();
}

void client::close_idle()
{
    state_->sessions().close_idle();
}

} // namespace weir::http
