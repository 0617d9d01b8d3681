#include <weir/http/fetcher.hpp>

#include <weir/http/detail/fetcher_state.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace weir::http {

namespace asio = boost::asio;

fetcher::fetcher(asio::any_io_executor executor, fetcher_options options, body_factory bodies,
                 std::shared_ptr<network> lines)
    : state_(std::make_shared<state>(std::move(executor), std::move(options), std::move(bodies),
                                     std::move(lines)))
{
}

fetcher::~fetcher() = default;

asio::awaitable<void> fetcher::run(source urls, sink results)
{
    return state::run(state_, std::move(urls), std::move(results));
}

void fetcher::finish_running()
{
    asio::post(state_->executor, [self = state_] { self->end(state::ending::draining); });
}

void fetcher::stop()
{
    asio::post(state_->executor, [self = state_] { self->end(state::ending::stopping); });
}

fetch_counts fetcher::counts() const
{
    return state_->counts();
}

std::size_t fetcher::results_ready() const
{
    return state_->results_ready();
}

} // namespace weir::http
