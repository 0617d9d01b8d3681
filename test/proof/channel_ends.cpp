// The counted ends of a channel, in every order: the last sender closes it, the last receiver
// leaves nothing behind, and each value has one fate.
#include "proof/fates.hpp"
#include "proof/prove.hpp"

#include <weir/sync/channel.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace asio = boost::asio;
using weir::sim::context;
using weir::sim::schedules;
using weir::sim::world;
using weir::test::expect;
using weir::test::fates;
using weir::test::prove;
using weir::test::value;

namespace {

/// Senders of one value each, receivers that go on until the end, and each handle is destroyed
/// before a step that is chosen. The channel itself is never closed.
class ends {
public:
    ends(world& w, std::size_t capacity, std::size_t senders, std::size_t receivers)
        : world_(w), home_(w), away_(w),
          queue_(home_.get_executor(), capacity, [this](value&& v) { values_.undelivered(v); })
    {
        for (std::size_t i = 0; i < senders; ++i)
            senders_.push_back(queue_.sender());
        for (std::size_t i = 0; i < receivers; ++i)
            receivers_.push_back(queue_.receiver());
        for (std::size_t i = 0; i < senders; ++i) {
            asio::post(of(i).get_executor(), [this, i] { send(i); });
            world_.at_some_step([this, i] { senders_[i].release(); });
        }
        for (std::size_t i = 0; i < receivers; ++i) {
            asio::post(of(i + 1).get_executor(), [this, i] { receive(i); });
            world_.at_some_step([this, i] { drop_receiver(i); });
        }
    }

    void finish()
    {
        world_.run_to_end(); // by itself: nothing closes the channel but its ends
        expect(started_ == answered_, "each operation has exactly one answer");
        expect(queue_.is_ended(), "without ends the channel has ended");
        expect(queue_.size() == 0, "without receivers nothing is buffered");
        values_.check();
    }

private:
    context& of(std::size_t i) { return i % 2 == 0 ? home_ : away_; }

    void send(std::size_t i)
    {
        if (!senders_[i])
            return;
        value v = values_.make();
        const std::size_t number = v.number();
        ++started_;
        const auto sent = [this, number](weir::send_result<value> result) {
            ++answered_;
            if (result)
                return values_.told_sent(number);
            expect(result.error() == weir::errc::closed, "sent, or closed");
            expect(no_receivers() || no_senders(), "closed only when one side has gone");
            expect(result.value().number() == number, "the value handed back is the one sent");
            values_.handed_back(number);
        };
        senders_[i].async_send(std::move(v), asio::bind_executor(of(i).get_executor(), sent));
    }

    void receive(std::size_t i)
    {
        if (!receivers_[i])
            return;
        ++started_;
        const auto received = [this, i](weir::error_code error, std::optional<value> v) {
            ++answered_;
            expect(!error, "a value, or the end");
            if (!v)
                return expect(no_receivers() || no_senders(), "it ends when one side has gone");
            values_.received(*v);
            receive(i);
        };
        receivers_[i].async_receive(asio::bind_executor(of(i + 1).get_executor(), received));
    }

    void drop_receiver(std::size_t i)
    {
        receivers_[i].release();
        if (no_receivers())
            expect(queue_.size() == 0, "the last receiver leaves nothing behind");
    }

    template <class Handles>
    static bool none(const Handles& handles)
    {
        return std::none_of(handles.begin(), handles.end(), [](const auto& h) { return bool(h); });
    }
    bool no_senders() const { return none(senders_); }
    bool no_receivers() const { return none(receivers_); }

    world& world_;
    fates values_;
    context home_;
    context away_;
    weir::channel<value> queue_;
    std::deque<weir::channel_sender<value>> senders_;
    std::deque<weir::channel_receiver<value>> receivers_;
    std::size_t started_ = 0;
    std::size_t answered_ = 0;
};

void prove_with(std::size_t capacity, std::size_t senders, std::size_t receivers)
{
    prove("channel ends {capacity " + std::to_string(capacity) + ", " + std::to_string(senders) +
              " senders, " + std::to_string(receivers) + " receivers, destroyed in every order}",
          schedules::all(), [=](world& w) {
              ends x(w, capacity, senders, receivers);
              x.finish();
          });
}

} // namespace

BOOST_AUTO_TEST_SUITE(channel_ends_in_every_order)

BOOST_AUTO_TEST_CASE(one_of_each)
{
    for (const std::size_t capacity : {0, 1, 2})
        prove_with(capacity, 1, 1);
}

BOOST_AUTO_TEST_CASE(two_of_one_side)
{
    for (const std::size_t capacity : {0, 1}) {
        prove_with(capacity, 2, 1);
        prove_with(capacity, 1, 2);
    }
}

BOOST_AUTO_TEST_CASE(two_of_each)
{
    if (weir::test::is_long())
        prove_with(1, 2, 2);
}

BOOST_AUTO_TEST_SUITE_END()
