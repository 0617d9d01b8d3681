#include <weir/http/detail/lookup_lane.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

endpoints look_up(asio::thread_pool& pool, const std::string& host, std::uint16_t port,
                  error_code& error)
{
    tcp::resolver resolver(pool.get_executor());
    const auto found = resolver.resolve(host, std::to_string(port),
                                        asio::ip::resolver_base::numeric_service, error);
    endpoints result;
    if (error)
        return result;
    for (const auto& each : found)
        result.push_back(each.endpoint());
    return result;
}

} // namespace

void lookup_lane::start(std::string host, std::uint16_t port, asio::any_io_executor home,
                        answer then)
{
    if (!pool_)
        pool_.emplace(threads);
    auto work = [this, host = std::move(host), port, home = std::move(home),
                 then = std::move(then)]() mutable {
        error_code error;
        endpoints found = look_up(*pool_, host, port, error);
        auto tell = [then = std::move(then), error, found = std::move(found)]() mutable {
            then(error, std::move(found));
        };
        asio::post(home, std::move(tell));
    };
    asio::post(*pool_, std::move(work));
}

void lookup_lane::shutdown()
{
    if (!pool_)
        return;
    pool_->stop();
    pool_->join();
}

} // namespace weir::http::detail
