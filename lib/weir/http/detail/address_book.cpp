#include <weir/http/detail/address_book.hpp>

#include <weir/http/error.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kept_for = std::chrono::minutes(1);

} // namespace

struct address_book::entry {
    explicit entry(asio::any_io_executor executor) : asked(std::move(executor)) {}

    wait_group asked;
    bool answered = false;
    error_code error;
    endpoints found;
    time_point expires;
};

std::shared_ptr<address_book::entry> address_book::ask(const std::string& key,
                                                       const std::string& host, std::uint16_t port)
{
    if (entries_.size() >= max_hosts)
        entries_.clear();
    auto made = std::make_shared<entry>(executor_);
    entries_[key] = made;
    made->asked.add();
    auto then = [made, executor = executor_](error_code error, endpoints found) {
        made->answered = true;
        made->error = error;
        made->found = std::move(found);
        made->expires = now(executor) + kept_for;
        made->asked.done();
    };
    auto& context = asio::query(executor_, asio::execution::context);
    asio::use_service<lookup_lane>(context).start(host, port, executor_, std::move(then));
    return made;
}

asio::awaitable<endpoints> address_book::find(std::string host, std::uint16_t port)
{
    error_code not_an_address;
    const auto address = asio::ip::make_address(host, not_an_address);
    if (!not_an_address)
        co_return endpoints(1, tcp::endpoint(address, port));

    const std::string key = host + ":" + std::to_string(port);
    const auto known = entries_.find(key);
    std::shared_ptr<entry> found;
    if (known != entries_.end())
        found = known->second;
    const bool stale =
        found && found->answered && (found->error || found->expires <= now(executor_));
    if (!found || stale)
        found = ask(key, host, port);
    if (!found->answered)
        co_await found->asked.async_wait(asio::use_awaitable);
    if (found->error || found->found.empty())
        throw failed(failure(error_class::dns,
                             "cannot find the address of " + host + ": " +
                                 (found->error ? found->error.message() : "no address"),
                             found->error));
    co_return found->found;
}

void address_book::prefer(const std::string& host, std::uint16_t port, const tcp::endpoint& good)
{
    const auto known = entries_.find(host + ":" + std::to_string(port));
    if (known == entries_.end())
        return;
    auto& list = known->second->found;
    const auto at = std::find(list.begin(), list.end(), good);
    if (at != list.end())
        std::rotate(list.begin(), at, std::next(at));
}

} // namespace weir::http::detail
