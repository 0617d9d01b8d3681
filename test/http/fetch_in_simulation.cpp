// Whole runs of the fetcher in a simulated network, in virtual time: what hosts that do not answer
// cost the others.
#include <weir/http/fetcher.hpp>
#include <weir/http/simulated_network.hpp>
#include <weir/http/spill_options.hpp>

#include <weir/error.hpp>
#include <weir/run/blocking_lane.hpp>
#include <weir/sim/network.hpp>
#include <weir/time/sleep.hpp>

#include "http/support/simulated_server.hpp"
#include "support/simulation.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using asio::ip::tcp;
using weir::duration;
using weir::test::simulated_server;
using weir::test::simulation;

namespace {

using urls = std::vector<std::string>;

// Hosts by number: good ones below 10,000, and those that accept connections and say nothing.
constexpr unsigned first_stalled = 10'000;

asio::ip::address_v4 address_of(unsigned host)
{
    return asio::ip::address_v4((10U << 24) + host);
}

void add(urls& to, unsigned host, std::size_t count)
{
    const std::string origin = "http://" + address_of(host).to_string() + "/";
    for (std::size_t i = 0; i < count; ++i)
        to.push_back(origin + std::to_string(i));
}

urls of_hosts(unsigned first, unsigned hosts, std::size_t each)
{
    urls all;
    for (unsigned host = first; host < first + hosts; ++host)
        add(all, host, each);
    return all;
}

urls operator+(urls a, const urls& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

urls shuffled(urls all, unsigned seed)
{
    std::mt19937 random(seed);
    for (std::size_t i = all.size(); i > 1; --i) // not std::shuffle: each library has its own
        std::swap(all[i - 1], all[random() % i]);
    return all;
}

bool is_stalled(const std::string& url)
{
    return url.compare(0, 12, "http://10.0.") == 0 &&
           std::stoul(url.substr(12)) >= first_stalled / 256;
}

// What a run gave, until the last good URL had its result.
struct run {
    duration first{}; // the first good result
    duration good{};  // the last one
    std::size_t results = 0;
    std::size_t connects = 0;
    std::size_t requests = 0;
    std::uint64_t most_spilled = 0;
};

class fetching {
public:
    explicit fetching(http::fetcher_options options)
        : s_(1), all_(s_.world), lane(std::make_shared<weir::blocking_lane>(s_.a.get_executor(), 1))
    {
        s_.world.limit_steps(100'000'000);
        const auto lines = std::make_shared<http::simulated_network>(s_.a, all_);
        auto spill = options.spill();
        options.spill(spill.lane(lane));
        fetcher_ = std::make_unique<http::fetcher>(s_.a.get_executor(), std::move(options), nullptr,
                                                   lines);
    }

    // Stops when every URL of a good host has its result, or with the last result.
    run over(const urls& list)
    {
        std::set<std::string> hosts;
        std::size_t good = 0;
        for (const std::string& url : list) {
            good += is_stalled(url) ? 0 : 1;
            if (hosts.insert(url.substr(0, url.find('/', 7))).second)
                add_host(url.substr(7, url.find('/', 7) - 7), is_stalled(url));
        }
        s_.spawn([&]() -> asio::awaitable<void> { return fetch(list, good); });
        s_.run();
        fetcher_.reset();
        mute_.clear();
        BOOST_TEST(all_.descriptors() == 0U);
        for (const auto& server : servers_)
            seen_.requests += server->answered;
        seen_.connects = all_.accepted();
        BOOST_TEST(seen_.results == list.size());
        BOOST_TEST(good == 0U);
        return seen_;
    }

    // The same, after what is in the file cannot be read any more: `lose` is called when all was
    // taken in.
    void fails_over(const urls& list, const std::function<void()>& lose)
    {
        add_host(list.front().substr(7, list.front().find('/', 7) - 7), true);
        bool has_failed = false;
        s_.spawn([&]() -> asio::awaitable<void> {
            std::size_t next = 0;
            const auto source = [&]() -> asio::awaitable<std::optional<std::string>> {
                if (next != list.size())
                    co_return list[next++];
                lose();
                co_return std::nullopt;
            };
            const auto sink = [&](http::fetch_result result) -> asio::awaitable<void> {
                BOOST_TEST(ids_.insert(result.id).second);
                co_return;
            };
            try {
                co_await fetcher_->run(source, sink);
            } catch (const weir::system_error&) {
                has_failed = true;
            }
        });
        s_.run();
        BOOST_TEST(has_failed);
        BOOST_TEST(!ids_.empty());
        BOOST_TEST(ids_.size() < list.size());
    }

private:
    void add_host(const std::string& address, bool stalled)
    {
        const tcp::endpoint at(asio::ip::make_address(address), 80);
        const auto near = weir::sim::stream_options().delay(50ms, 50ms);
        if (stalled)
            all_.add_server(
                at, s_.b, [this](weir::sim::stream end) { mute_.push_back(std::move(end)); }, near);
        else
            servers_.push_back(std::make_unique<simulated_server>(
                all_, at, s_.b, [](const std::string&) { return weir::test::ok("x"); }, near));
    }

    asio::awaitable<void> fetch(const urls& list, std::size_t& good)
    {
        std::size_t next = 0;
        const auto source = [&]() -> asio::awaitable<std::optional<std::string>> {
            if (next == list.size() || good == 0)
                co_return std::nullopt;
            if (list[next] == late)
                co_await weir::async_sleep_for(s_.a.get_executor(), 1s);
            co_return list[next++];
        };
        const auto sink = [&](http::fetch_result result) -> asio::awaitable<void> {
            took(result, good);
            co_return;
        };
        co_await fetcher_->run(source, sink);
        seen_.results += list.size() - next; // what was not taken in when the last good one ended
    }

    void took(const http::fetch_result& result, std::size_t& good)
    {
        ++seen_.results;
        BOOST_TEST(ids_.insert(result.id).second);
        seen_.most_spilled = std::max(seen_.most_spilled, fetcher_->counts().spilled);
        if (is_stalled(result.url)) {
            BOOST_TEST(result.answer.error.has_value());
            return;
        }
        BOOST_TEST(!result.answer.error, result.answer.error->text());
        seen_.good = s_.elapsed();
        if (seen_.first == duration::zero())
            seen_.first = seen_.good;
        if (--good == 0)
            fetcher_->stop();
    }

    simulation s_;
    weir::sim::network all_;

public:
    const std::shared_ptr<weir::blocking_lane> lane; // by which the file is written and read
    std::string late;                                // the URL that comes a second after the others

private:
    std::set<std::uint64_t> ids_;
    std::vector<std::unique_ptr<simulated_server>> servers_;
    std::vector<weir::sim::stream> mute_;
    std::unique_ptr<http::fetcher> fetcher_;
    run seen_;
};

http::fetcher_options at_a_time(std::size_t jobs)
{
    http::fetcher_options options;
    options.jobs(jobs).timeout(30s);
    return options;
}

run fetch(const urls& list, const http::fetcher_options& options = at_a_time(50))
{
    return fetching(options).over(list);
}

double ratio(duration a, duration b)
{
    return std::chrono::duration<double>(a) / std::chrono::duration<double>(b);
}

} // namespace

BOOST_AUTO_TEST_SUITE(http_fetcher_in_simulation)

BOOST_AUTO_TEST_CASE(half_of_all_urls_at_one_stalled_host_cost_the_others_a_twentieth)
{
    const urls good = shuffled(of_hosts(0, 100, 100), 1);
    const urls stalled = of_hosts(first_stalled, 1, 10'000);
    const run alone = fetch(good);
    const auto among = [&](const urls& order, std::size_t window) {
        auto options = at_a_time(50);
        const run all = fetch(order, options.window(window));
        BOOST_TEST(ratio(all.good, alone.good) <= 1.05);
        BOOST_TEST_MESSAGE("the others take " << ratio(all.good, alone.good)
                                              << " of their time alone");
        return all.most_spilled;
    };
    BOOST_TEST(among(stalled + good, 64 * 1024) > 400'000U);
    BOOST_TEST(among(good + stalled, 64 * 1024) > 0U);
    BOOST_TEST(among(shuffled(good + stalled, 2), 4 * 1024 * 1024) == 0U);
}

BOOST_AUTO_TEST_CASE(urls_grouped_by_host_take_as_long_as_shuffled_ones)
{
    const urls grouped = of_hosts(0, 100, 100);
    const run a = fetch(shuffled(grouped, 1));
    const run b = fetch(grouped);
    BOOST_TEST_MESSAGE("grouped take " << ratio(b.good, a.good) << " of shuffled");
    BOOST_TEST(ratio(b.good, a.good) <= 1.1);
}

BOOST_AUTO_TEST_CASE(ten_stalled_hosts_at_the_beginning_do_not_delay_the_first_result)
{
    const run all = fetch(of_hosts(first_stalled, 10, 20) + of_hosts(0, 10, 20));
    BOOST_TEST_MESSAGE("the first after " << all.first / 1ms << " ms");
    BOOST_TEST((all.first <= 1500ms));
}

BOOST_AUTO_TEST_CASE(as_many_stalled_hosts_as_good_ones_cost_no_more_than_half_of_the_places)
{
    const urls good = of_hosts(0, 400, 20);
    const run alone = fetch(shuffled(good, 1), at_a_time(25));
    for (unsigned seed = 1; seed <= 2; ++seed) {
        const urls mixed = shuffled(good + of_hosts(first_stalled, 400, 20), seed);
        const run all = fetch(mixed);
        BOOST_TEST_MESSAGE("at 400 good among 400 stalled hosts "
                           << ratio(all.good, alone.good) << " of the time at half the places");
        BOOST_TEST(ratio(all.good, alone.good) <= 1.1);
    }
}

BOOST_AUTO_TEST_CASE(connections_are_used_again_when_there_are_many_hosts)
{
    const urls all = shuffled(of_hosts(0, 500, 20), 1);
    const run with_room = fetch(all);
    BOOST_TEST_MESSAGE(with_room.connects << " connects");
    BOOST_TEST(with_room.connects <= 600U);
    // As `ulimit -n 200` gives.
    auto options = at_a_time(50);
    options.client(http::client_options().max_idle(100));
    const run with_little = fetch(all, options);
    BOOST_TEST_MESSAGE(with_little.connects << " connects with 100 idle ones at most");
    BOOST_TEST(with_little.connects <= 2000U);
}

// The first URLs of 1,000 hosts wait when the second one of a host comes; its turn would be six
// seconds later, and its connection is kept for four.
BOOST_AUTO_TEST_CASE(a_host_that_comes_back_finds_its_connection_however_many_wait)
{
    const urls one = of_hosts(0, 1, 2);
    fetching some(at_a_time(25));
    some.late = one[1];
    const run all = some.over(urls{one[0]} + of_hosts(1, 1'000, 1) + urls{one[1]});
    BOOST_TEST((all.good > 5s)); // so long do the others take
    BOOST_TEST(all.connects == 1'001U);
}

BOOST_AUTO_TEST_CASE(at_the_limit_of_the_file_no_more_is_taken_in_and_that_is_said_once)
{
    auto options = at_a_time(50);
    std::vector<weir::error_code> said;
    http::spill_options spill;
    spill.limit(128 * 1024).on_full([&](weir::error_code why) { said.push_back(why); });
    options.window(16 * 1024).spill(spill);
    // Some 3,500 of the stalled ones fit, and each takes half a minute.
    const run all = fetch(of_hosts(first_stalled, 1, 4'000) + of_hosts(0, 5, 5), options);
    BOOST_TEST(said.size() == 1U);
    BOOST_TEST((said.at(0) == weir::errc::full));
    BOOST_TEST(all.most_spilled <= 128U * 1024);
    BOOST_TEST(all.most_spilled > 120U * 1024);
    BOOST_TEST((all.good > 1h));
}

BOOST_AUTO_TEST_CASE(without_a_file_intake_waits_in_silence)
{
    auto options = at_a_time(50);
    std::size_t said = 0;
    options.window(16 * 1024).spill(
        http::spill_options().limit(0).on_full([&](weir::error_code) { ++said; }));
    const run all = fetch(of_hosts(first_stalled, 1, 400) + of_hosts(0, 5, 5), options);
    BOOST_TEST(said == 0U);
    BOOST_TEST(all.most_spilled == 0U);
    BOOST_TEST((all.good > 5min));
}

// The lane calls nothing any more, so that nothing is written, or nothing is read.
BOOST_AUTO_TEST_CASE(what_cannot_be_written_stays_and_what_cannot_be_read_ends_the_run)
{
    for (const bool before : {true, false}) {
        auto options = at_a_time(50);
        std::size_t said = 0;
        options.window(16 * 1024).spill(
            http::spill_options().on_full([&](weir::error_code) { ++said; }));
        fetching one(options);
        if (before)
            one.lane->close();
        urls all = of_hosts(first_stalled, 1, 1'000);
        if (before)
            one.over(all + of_hosts(0, 5, 5));
        else
            one.fails_over(all, [&] { one.lane->close(); });
        BOOST_TEST(said == (before ? 1U : 0U));
    }
}

BOOST_AUTO_TEST_SUITE_END()
