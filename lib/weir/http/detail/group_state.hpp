#pragma once

#include <weir/http/client_group_options.hpp>
#include <weir/http/detail/group_home.hpp>
#include <weir/http/detail/group_order.hpp>
#include <weir/http/network.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::http::detail {

/// The homes of a client group, and which of them serves which origin.
///
/// Threads: safe from any thread.
class group_state : public std::enable_shared_from_this<group_state> {
public:
    using any_executor = boost::asio::any_io_executor;
    using network_maker = std::function<std::shared_ptr<network>(const any_executor& home)>;

    group_state(const std::vector<any_executor>& runners, const client_group_options& options,
                const network_maker& lines);

    /// Makes the homes known to each other; before the first order.
    void introduce();

    /// Sends an order to the home of its target, or ends it.
    void send(const std::shared_ptr<group_order>& order);
    /// `home` is where it was when that was asked.
    void cancel(const std::shared_ptr<group_order>& order, std::size_t home);
    /// Returns how many homes were asked to close an idle connection for this one.
    std::size_t ask_for_room(std::size_t home);
    void tell(std::size_t home, group_home::message news) { homes_[home]->push(std::move(news)); }
    void close_idle();
    void close();

    /// The executor of a home, for handlers without one.
    weir::detail::own_any_executor& fallback() const { return homes_.front()->executor(); }

private:
    /// An origin that several homes serve.
    struct spread {
        std::size_t first = 0;
        std::vector<std::atomic<std::size_t>> loads; // of requests at the homes from there on
    };

    std::size_t home_of(const url& target) const;
    bool serves(std::size_t home, const url& target) const;
    void add_spread(const std::string& origin, std::size_t homes, limit per_host,
                    client_limits& limits, std::vector<group_part>& parts);

    std::size_t size_;
    std::unordered_map<std::string, spread> spreads_; // by origin
    std::vector<std::shared_ptr<group_home>> homes_;
};

} // namespace weir::http::detail
