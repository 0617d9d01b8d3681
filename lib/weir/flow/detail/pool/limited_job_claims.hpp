#pragma once

#include <weir/detail/own_timer.hpp>
#include <weir/flow/detail/pool/limited_jobs.hpp>
#include <weir/flow/detail/pool/pool_state.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

// What `limited_jobs` keeps of each job, and how it is told that a token was cancelled, or that it
// is time.

namespace weir::detail {

/// What a job holds, from its acceptance to its end.
class limited_jobs::claims final : public job_claims, public instant_heap_node, public list_node<> {
public:
    claims(const std::string& k, keyed_permit<std::string>&& s, admission_pass<>&& p) noexcept
        : key(k), share(std::move(s)), pass(std::move(p))
    {
    }
    ~claims() override
    {
        if (owner) // it was admitted, and not accepted then
            owner->give_up(*this);
    }

    hold_result hold(time_point until) override
    {
        const auto kept = owner;
        return kept ? kept->hold(*this, until) : hold_result::refused;
    }

    enum class place : std::uint8_t { elsewhere, in_line, asleep, let_go };

    const std::string& key;               // the record's
    std::shared_ptr<limited_jobs> owner;  // until it has ended
    keyed_permit<std::string> share;      // of the places
    admission_pass<> pass;                // the place and its bytes
    std::shared_ptr<token_hook> on_token; // when it has one
    limited_job* job = nullptr;           // owned, while it is held back
    place held_back = place::elsewhere;
    job_schedule::waiting queued;
    time_point wakes;                          // when it is asleep
    time_point not_before = time_point::min(); // may its next attempt begin
    bool handed_over = false;
    bool sleeps = false;                // until a worker has taken it
    job_schedule::place running;        // among those of its key
    breaker<std::string>::pass allowed; // by its breaker
    std::uint32_t attempts = 0;         // that were begun before
};

/// Is told when the token of a job is cancelled.
struct limited_jobs::token_hook final : cancel_state {
    token_hook(claims& c, std::weak_ptr<pool_state> of)
        : cancel_state(told), job(&c), pool(std::move(of))
    {
    }

    static void told(cancel_state& state) noexcept
    {
        auto& self = static_cast<token_hook&>(state);
        const auto kept = self.pool.lock();
        if (!kept)
            return;
        auto& limits = static_cast<limited_jobs&>(*kept->limits());
        {
            std::lock_guard lock(limits.mutex_);
            if (self.job == nullptr)
                return;
            limits.let_go(*self.job);
        }
        limits.look_again();
    }

    claims* job; // under the mutex of the limits; null when it has ended
    const std::weak_ptr<pool_state> pool;
};

/// Wakes the limits, by the clock of one of the pool's contexts.
class limited_jobs::clock final : public own_timer {
public:
    clock(const boost::asio::any_io_executor& executor, std::weak_ptr<pool_state> of)
        : own_timer(executor), pool_(std::move(of))
    {
    }

private:
    limited_jobs& limits(pool_state& of) const { return static_cast<limited_jobs&>(*of.limits()); }

    time_point next_due() noexcept override
    {
        const auto kept = pool_.lock();
        return kept ? limits(*kept).due() : time_point::max();
    }
    void due() noexcept override
    {
        if (const auto kept = pool_.lock())
            limits(*kept).look_again();
    }
    // Without a clock it would never be time: what waits for a moment goes now.
    void lost(int) noexcept override
    {
        if (const auto kept = pool_.lock())
            limits(*kept).let_all_go();
    }
    void context_gone() noexcept override { due(); }

    const std::weak_ptr<pool_state> pool_;
};

} // namespace weir::detail
