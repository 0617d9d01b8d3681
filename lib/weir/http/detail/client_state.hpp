#pragma once

#include <weir/http/body.hpp>
#include <weir/http/body_receiver.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/detail/body_outlet.hpp>
#include <weir/http/detail/client_limits.hpp>
#include <weir/http/detail/exchanger.hpp>
#include <weir/http/detail/journey.hpp>
#include <weir/http/detail/passage.hpp>
#include <weir/http/detail/sessions.hpp>
#include <weir/http/error.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/network.hpp>
#include <weir/http/open_response.hpp>
#include <weir/http/request.hpp>
#include <weir/http/request_options.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>

namespace weir::http::detail {

/// Shared by a client and its running calls: makes their requests, follows redirects, and fetches
/// the rest of bodies that broke off.
///
/// Threads: one serial executor.
class client_state {
public:
    using response_handler = boost::asio::any_completion_handler<void(response)>;
    using open_handler = boost::asio::any_completion_handler<void(open_response)>;

    /// `lines` is null for the system's sockets.
    client_state(const boost::asio::any_io_executor& executor, client_options options,
                 std::shared_ptr<network> lines, group_part part = group_part());
    client_state(const client_state&) = delete;
    client_state& operator=(const client_state&) = delete;

    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    detail::sessions& sessions() const noexcept { return exchanger_.sessions(); }

    // The operations of the client. What a coroutine uses is in its frame, and the state with it:
    // the client may go first. `way` is that of a request through a group; null outside.
    using way_through = std::shared_ptr<passage>;
    /// A request on its journey, which may cancel it.
    struct travelling {
        std::shared_ptr<journey> trip;
        boost::asio::awaitable<response> work;
    };
    static boost::asio::awaitable<hop> step(std::shared_ptr<client_state> self, request what,
                                            body_sink sink);
    static travelling keep(std::shared_ptr<client_state> self, request what,
                           way_through way = nullptr);
    static travelling pass_on(std::shared_ptr<client_state> self, request what, body_sink sink,
                              way_through way = nullptr);
    static travelling give(std::shared_ptr<client_state> self, request what, body_receiver& to,
                           way_through way = nullptr);
    static boost::asio::awaitable<open_response> open(std::shared_ptr<client_state> self,
                                                      request what);
    static boost::asio::awaitable<response> refuse(failure why);

    // Run them for a handler.
    void begin(travelling one, response_handler handler) const;
    void begin(boost::asio::awaitable<response> work, response_handler handler) const;
    void begin(boost::asio::awaitable<open_response> work, open_handler handler) const;

private:
    static boost::asio::awaitable<response> run_kept(std::shared_ptr<client_state> self,
                                                     request what, std::shared_ptr<journey> trip,
                                                     way_through way);
    static boost::asio::awaitable<response> run_passed_on(std::shared_ptr<client_state> self,
                                                          request what, body_sink sink,
                                                          std::shared_ptr<journey> trip,
                                                          way_through way);
    static boost::asio::awaitable<response> run_given(std::shared_ptr<client_state> self,
                                                      request what, body_receiver& receiver,
                                                      std::shared_ptr<journey> trip,
                                                      way_through way);

    // Results are written where they stay: each move of a response costs more than a coroutine.

    /// Makes a request, and those of redirects that it leads to.
    boost::asio::awaitable<void> follow(request& what, body_outlet& to, journey& trip, passage* way,
                                        response& into);
    /// Fetches the rest of a body that broke off, where that is safe and the receiver takes it.
    boost::asio::awaitable<void> go_on(const request& what, body_outlet& to, journey& trip,
                                       response& answer);
    /// Follows within the limits of the journey, whose attempts are in the response.
    boost::asio::awaitable<void> travel(request& what, body_outlet& to, journey& trip, passage* way,
                                        response& answer);
    std::shared_ptr<journey> begin_journey(const request& what, const passage* way) const;
    request_options limits_of(const request& what) const
    {
        return what.options().or_else(options_.requests());
    }

    boost::asio::any_io_executor executor_;
    client_options options_;
    exchanger exchanger_;
};

} // namespace weir::http::detail
