#pragma once

// Everything at once, with cancellations in the middle: children of a scope and jobs of a pool
// share a semaphore and a channel, over two contexts.

#include "proof/fates.hpp"
#include "proof/prove.hpp"

#include <weir/flow/worker_pool.hpp>
#include <weir/run/scope.hpp>
#include <weir/sim/context.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/semaphore.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace weir::test {

/// What happened in many runs, to check that everything does happen in some.
struct events {
    std::map<status, std::uint64_t> jobs;
    std::uint64_t jobs_rejected = 0;
    std::uint64_t granted = 0;
    std::uint64_t not_granted = 0;
    std::uint64_t received = 0;
    std::uint64_t handed_back = 0;
    std::uint64_t undelivered = 0;
};

class mixture {
public:
    explicit mixture(sim::world& w);

    /// Starts everything, injects the faults, runs to the end and checks the accounts.
    void run();

    void add_to(events& sum) const;

private:
    using pool = worker_pool<int, int>;

    /// The waiters at the semaphore in order of arrival, with what had been granted when each one
    /// completed.
    struct acquirer {
        std::size_t weight;
        std::size_t granted_by_then = 0; // by weight; 0: got no permit
    };

    /// Holds a permit.
    class holding {
    public:
        holding(mixture& m, permit p) : mixture_(m), permit_(std::move(p)) {}
        holding(const holding&) = delete;
        holding& operator=(const holding&) = delete;
        ~holding();

    private:
        mixture& mixture_;
        permit permit_;
    };

    /// Counts the coroutines at work, so that the end can check that there are none.
    struct at_work {
        explicit at_work(int& c) : count(c) { ++count; }
        at_work(const at_work&) = delete;
        at_work& operator=(const at_work&) = delete;
        ~at_work() { --count; }
        int& count;
    };

    boost::asio::awaitable<void> own_children();
    boost::asio::awaitable<void> work(int& count);
    boost::asio::awaitable<int> job(int n);
    boost::asio::awaitable<void> feed();
    boost::asio::awaitable<void> drain();
    boost::asio::awaitable<void> collect();
    boost::asio::awaitable<void> receive(boost::asio::cancellation_signal& cancel);
    boost::asio::awaitable<void> end_it_all();
    boost::asio::awaitable<void> pause();

    void arm_faults();
    void look() const;
    void record(const outcome<int>& out) noexcept;
    void check_line() const;
    void check_jobs() const;

    sim::world& world_;
    boost::asio::cancellation_signal cancel_receiver_[2];
    std::vector<acquirer> line_;
    fates values_;
    std::set<job_id> accepted_;
    std::map<job_id, status> outcomes_;
    verdict outcomes_once_;
    std::size_t rejected_ = 0;
    std::size_t limit_;
    std::size_t most_;
    std::size_t released_ = 0;
    int children_at_work_ = 0;
    int jobs_at_work_ = 0;
    bool channel_closed_ = false;
    bool pool_over_ = false;
    scope* scope_ = nullptr;
    sim::context a_;
    sim::context b_;
    std::unique_ptr<semaphore> semaphore_;
    std::unique_ptr<channel<value>> channel_;
    std::unique_ptr<pool> pool_;
};

} // namespace weir::test
