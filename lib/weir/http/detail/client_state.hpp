#pragma once

#include <weir/http/body.hpp>
#include <weir/http/body_receiver.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/detail/body_outlet.hpp>
#include <weir/http/detail/call.hpp>
#include <weir/http/detail/client_limits.hpp>
#include <weir/http/detail/exchanger.hpp>
#include <weir/http/detail/journey.hpp>
#include <weir/http/detail/passage.hpp>
#include <weir/http/detail/recycled_frames.hpp>
#include <weir/http/detail/sessions.hpp>
#include <weir/http/error.hpp>
#include <weir/http/exchange_watcher.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/network.hpp>
#include <weir/http/open_response.hpp>
#include <weir/http/request.hpp>
#include <weir/http/request_options.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <utility>

namespace weir::http::detail {

/// Shared by a client and its running calls: makes their requests, follows redirects, and fetches
/// the rest of bodies that broke off.
///
/// Threads: one serial executor.
class client_state {
public:
    /// `lines` is null for the system's sockets.
    client_state(const boost::asio::any_io_executor& executor, client_options options,
                 std::shared_ptr<network> lines, group_part part = group_part());
    client_state(const client_state&) = delete;
    client_state& operator=(const client_state&) = delete;

    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    detail::sessions& sessions() const noexcept { return exchanger_.sessions(); }

    // The operations of the client. What a coroutine uses is in its frame, and the state with it:
    // the client may go first. Results are written where they stay, in the call: each move of a
    // response costs more than a coroutine. `way` is that of a request through a group; null
    // outside.
    using way_through = std::shared_ptr<passage>;
    /// A request on its journey, which may cancel it.
    struct travelling {
        std::shared_ptr<journey> trip;
        boost::asio::awaitable<void> work;
    };
    static travelling step(std::shared_ptr<client_state> self, request&& what, head_sink&& head,
                           body_sink&& sink, std::shared_ptr<exchange_watcher> watcher, hop& into);
    static travelling keep(std::shared_ptr<client_state> self, request&& what, response& into,
                           way_through way = nullptr);
    static travelling pass_on(std::shared_ptr<client_state> self, request&& what, body_sink&& sink,
                              response& into, way_through way = nullptr);
    static travelling give(std::shared_ptr<client_state> self, request&& what, body_receiver& to,
                           response& into, way_through way = nullptr);
    static boost::asio::awaitable<void> open(std::shared_ptr<client_state> self, request what,
                                             open_response& into);
    static boost::asio::awaitable<void> refuse(failure why, response& into);
    static boost::asio::awaitable<void> refuse(failure why, hop& into);
    static boost::asio::awaitable<void> refuse(failure why, open_response& into);

    /// Begins the call whose work this is.
    template <class T>
    static void begin(travelling one, call<T>& whole)
    {
        one.trip->on_cancel([&whole] { whole.cancel(); }); // it exists as long as the work
        whole.begin(std::move(one.work));
    }

private:
    static boost::asio::awaitable<void> run_step(std::shared_ptr<client_state> self, request what,
                                                 head_sink head, body_sink sink,
                                                 std::shared_ptr<journey> trip, hop& into);
    static boost::asio::awaitable<void> run_kept(std::shared_ptr<client_state> self, request what,
                                                 std::shared_ptr<journey> trip, way_through way,
                                                 response& into);
    static boost::asio::awaitable<void> run_passed_on(std::shared_ptr<client_state> self,
                                                      request what, body_sink sink,
                                                      std::shared_ptr<journey> trip,
                                                      way_through way, response& into);
    static boost::asio::awaitable<void> run_given(std::shared_ptr<client_state> self, request what,
                                                  body_receiver& receiver,
                                                  std::shared_ptr<journey> trip, way_through way,
                                                  response& into);

    /// Makes a request, and those of redirects that it leads to, within the limits of the journey,
    /// whose attempts are in the response. `shared` is null outside a group.
    boost::asio::awaitable<void> travel(request& what, body_outlet& to, journey& trip,
                                        passage* shared, response& answer);
    /// Makes the next request in place of the one that led there. False: it is not made here.
    bool turn(request& what, journey& trip, passage& way, hop& at) const;
    /// Fetches the rest of a body that broke off, where that is safe and the receiver takes it.
    boost::asio::awaitable<void> go_on(const request& what, body_outlet& to, journey& trip,
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

template <>
inline constexpr bool recycles_frames<client_state> = true;
template <>
inline constexpr bool recycles_frames<std::shared_ptr<client_state>> = true;

} // namespace weir::http::detail
