#pragma once

#include <weir/error.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/detail/body_outlet.hpp>
#include <weir/http/detail/client_limits.hpp>
#include <weir/http/detail/connection.hpp>
#include <weir/http/detail/exchange.hpp>
#include <weir/http/detail/journey.hpp>
#include <weir/http/detail/memory_account.hpp>
#include <weir/http/detail/recycled_frames.hpp>
#include <weir/http/detail/sessions.hpp>
#include <weir/http/detail/upload.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/network.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http::detail {

/// Makes exchanges: each waits for its place and a session, does there what `exchange` decides, and
/// gives both back.
///
/// Threads: one serial executor.
/// Lifetime: outlives its exchanges, and the options outlive it.
class exchanger {
public:
    exchanger(boost::asio::any_io_executor executor, const client_options& options,
              std::shared_ptr<network> lines, group_part part);

    /// Makes one exchange, whose failure is in the answer. `into` is empty before.
    boost::asio::awaitable<void> step(const request& what, body_outlet& to, journey& trip,
                                      hop& into);

    detail::sessions& sessions() const noexcept { return *sessions_; }

private:
    bool needs_place(const request& what) const;
    const std::string& place_of(const request& what) const;
    static void give_up(sessions::claim& mine, response& answer);
    boost::asio::awaitable<exchange::ending> talk(connection& line, const request& what,
                                                  body_outlet& to, journey& trip,
                                                  time_point started, hop& into);
    std::string begin_to_send(connection& line, const exchange& rules, const request& what,
                              upload& body, const journey& trip);
    boost::asio::awaitable<void> receive(connection& line, exchange& rules, body_outlet& to,
                                         journey& trip);
    boost::asio::awaitable<void> send(connection& line, upload& body, std::string_view rest,
                                      journey& trip);
    boost::asio::awaitable<void> wait_to_go(upload& body);
    boost::asio::awaitable<permit> room_to_hold(journey& trip);
    void read(connection& line, exchange& rules, const journey& trip, const error_code& error);

    boost::asio::any_io_executor executor_;
    const client_options& options_;
    std::shared_ptr<detail::sessions> sessions_;
    const group_part part_;
    memory_account decoders_;  // of all responses
    std::vector<char> buffer_; // filled and emptied between two suspensions
    std::string header_;       // memory for what is sent
};

template <>
inline constexpr bool recycles_frames<exchanger> = true;

} // namespace weir::http::detail
