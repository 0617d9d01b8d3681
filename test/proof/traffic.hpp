#pragma once

// Two senders and two receivers at one queue, over two contexts, and the faults that strike them.

#include "proof/fates.hpp"
#include "proof/prove.hpp"

#include <weir/sync/channel.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir::test {

/// What the senders and the receivers do.
struct traffic_shape {
    traffic_shape(std::size_t c, std::size_t v) : capacity(c), values(v) {}

    std::size_t capacity;
    std::size_t values; // per sender
    overflow full = overflow::wait;
    bool last_reserves = false;   // the second sender reserves a place, and sends a step later
    bool last_takes_some = false; // the second receiver takes up to two at a time
    bool deadlines = false;       // senders wait for 1 s; then receivers come and wait for 1 s
};

/// One sender and one receiver in each context. Receivers go on until the end of the stream.
/// `Queue` is `weir::channel<value>` or another queue that loses nothing; a value may be on its way
/// to one receiver while the other goes on.
template <class Queue>
class traffic {
public:
    traffic(sim::world& w, const traffic_shape& s)
        : world_(w), shape_(s), values_(is_channel && !s.last_reserves), home_(w),
          away_(std::make_unique<sim::context>(w)), queue_(make_queue())
    {
        for (std::size_t i = 0; i < senders_.size(); ++i)
            boost::asio::post(of(i).get_executor(), [this, i] { send(i, shape_.values); });
        for (std::size_t i = 0; i < receivers_.size(); ++i)
            if (s.deadlines)
                async_sleep_until(of(i).get_executor(), one_second,
                                  [this, i](error_code) { receive(i); });
            else
                boost::asio::post(of(i).get_executor(), [this, i] { receive(i); });
    }

    void close_it()
    {
        world_.at_some_step([this] { close(); });
    }
    void cancel_a_sender() { cancel(senders_[1], 1); }
    void cancel_a_receiver() { cancel(receivers_[0], 0); }
    void destroy_it()
    {
        world_.at_some_step([this] {
            closed_ = true;
            queue_.reset();
        });
    }
    void destroy_a_context()
    {
        world_.at_some_step([this] {
            gone_ = true;
            away_.reset();
        });
    }

    void finish()
    {
        world_.run();
        if (queue_) {
            if constexpr (is_channel) {
                const bool wanted = queue_->waiting_receivers() != 0;
                const bool offered = queue_->size() + queue_->waiting_senders() != 0;
                expect(!(wanted && offered), "no operation waits for what is there");
            }
            close();
        }
        world_.run_to_end();
        queue_.reset();
        for (const auto* all : {&senders_, &receivers_})
            for (const operation& x : *all)
                expect(x.answers == x.started || gone_, "each operation has exactly one answer");
        values_.check();
        hook_.check();
    }

private:
    static constexpr bool is_channel = std::is_same_v<Queue, weir::channel<value>>;
    static constexpr time_point one_second = time_point{} + std::chrono::seconds(1);
    static constexpr time_point two_seconds = time_point{} + std::chrono::seconds(2);

    struct operation {
        boost::asio::cancellation_signal signal;
        bool cancelled = false;
        int started = 0;
        int answers = 0;
    };

    auto make_queue()
    {
        const auto hook = [this](value&& v) { undelivered(v); };
        if constexpr (is_channel)
            return std::make_unique<Queue>(home_.get_executor(), shape_.capacity, shape_.full,
                                           hook);
        else
            return std::make_unique<Queue>(home_.get_executor(), shape_.capacity, hook);
    }

    sim::context& of(std::size_t i) { return i == 0 ? home_ : *away_; }

    template <class Handler>
    auto bound(operation& x, std::size_t i, Handler handler)
    {
        ++x.started;
        return boost::asio::bind_cancellation_slot(
            x.signal.slot(), boost::asio::bind_executor(of(i).get_executor(), std::move(handler)));
    }

    void send(std::size_t i, std::size_t left)
    {
        if (!queue_ || left == 0)
            return;
        if constexpr (is_channel)
            if (i == 1 && shape_.last_reserves)
                return reserve(i, left);
        value v = values_.make();
        const std::size_t number = v.number();
        const auto handler = [this, i, left, number](send_result<value> result) {
            sent(i, left, number, std::move(result));
        };
        auto token = bound(senders_[i], i, handler);
        if constexpr (is_channel)
            if (shape_.deadlines)
                return queue_->async_send_until(one_second, std::move(v), std::move(token));
        queue_->async_send(std::move(v), std::move(token));
    }

    void sent(std::size_t i, std::size_t left, std::size_t number, send_result<value> result)
    {
        answered(senders_[i], i);
        if (result) {
            values_.told_sent(number);
            return send(i, left - 1);
        }
        expect(result.value().number() == number, "the value handed back is the one that was sent");
        values_.handed_back(number);
        check(senders_[i], result.error());
    }

    void reserve(std::size_t i, std::size_t left)
    {
        using reservation = channel_reservation<value>;
        const auto handler = [this, i, left](error_code error, reservation place) {
            answered(senders_[i], i);
            expect(bool(place) == !error, "a place, or an error");
            if (error)
                return check(senders_[i], error);
            ++reserved_;
            const auto use = [this, i, left](reservation p) {
                value v = values_.make();
                values_.told_sent(v.number());
                --reserved_;
                p.send(std::move(v));
                send(i, left - 1);
            };
            boost::asio::post(of(i).get_executor(),
                              [use, p = std::move(place)]() mutable { use(std::move(p)); });
        };
        queue_->async_reserve(bound(senders_[i], i, handler));
    }

    void receive(std::size_t i)
    {
        if (!queue_)
            return;
        if constexpr (is_channel)
            if (i == 1 && shape_.last_takes_some)
                return receive_some(i);
        const auto handler = [this, i](error_code error, std::optional<value> v) {
            answered(receivers_[i], i);
            expect(!(error && v), "a value, or an error");
            if (!v)
                return ended(receivers_[i], error);
            values_.received(*v);
            receive(i);
        };
        auto token = bound(receivers_[i], i, handler);
        if constexpr (is_channel)
            if (shape_.deadlines)
                return queue_->async_receive_until(two_seconds, std::move(token));
        queue_->async_receive(std::move(token));
    }

    void receive_some(std::size_t i)
    {
        const auto handler = [this, i](error_code error, std::size_t count) {
            answered(receivers_[i], i);
            expect(count == taken_.size() && count <= 2, "as many as were reported");
            for (const value& v : taken_)
                values_.received(v);
            taken_.clear();
            if (count == 0)
                return ended(receivers_[i], error);
            expect(!error, "values, or an error");
            receive(i);
        };
        queue_->async_receive_some(taken_, 2, bound(receivers_[i], i, handler));
    }

    void ended(const operation& x, error_code error)
    {
        if (error)
            return check(x, error);
        expect(closed_, "the stream ends when it is closed");
        expect(reserved_ == 0 || gone_, "the end of the stream waits for a reservation");
        if constexpr (is_channel)
            values_.ended();
    }

    void answered(operation& x, std::size_t i)
    {
        ++x.answers;
        expect(x.answers == x.started, "one answer each");
        expect(!(gone_ && i == 1), "no handler runs after its context is gone");
        expect(world_.running() == &of(i), "a handler runs where it belongs");
    }

    void check(const operation& x, error_code error) const
    {
        if (error == boost::asio::error::operation_aborted)
            expect(x.cancelled, "only what was cancelled ends as cancelled");
        else if (error == errc::full)
            expect(shape_.full == overflow::reject,
                   "full is reported only where there is no waiting");
        else if (error == errc::timed_out)
            expect(shape_.deadlines && world_.now() >= one_second, "timed out when it is time");
        else
            expect(error == errc::closed && closed_, "closed is reported only when it is closed");
    }

    void undelivered(const value& v) noexcept
    {
        const bool drops =
            shape_.full == overflow::drop_oldest || shape_.full == overflow::drop_newest;
        hook_.expect(!queue_ || gone_ || drops, "only what goes away leaves values undelivered");
        values_.undelivered(v);
    }

    void cancel(operation& x, std::size_t i)
    {
        of(i).at_some_step([&x] {
            x.cancelled = true;
            x.signal.emit(boost::asio::cancellation_type::partial);
        });
    }

    void close()
    {
        closed_ = true;
        queue_->close();
    }

    sim::world& world_;
    const traffic_shape shape_;
    fates values_;
    verdict hook_;
    std::vector<value> taken_;
    int reserved_ = 0;
    std::array<operation, 2> senders_;
    std::array<operation, 2> receivers_;
    sim::context home_;
    std::unique_ptr<sim::context> away_;
    std::unique_ptr<Queue> queue_;
    bool closed_ = false;
    bool gone_ = false;
};

} // namespace weir::test
