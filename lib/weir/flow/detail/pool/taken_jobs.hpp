#pragma once

#include <weir/flow/detail/job_record.hpp>
#include <weir/flow/detail/pool/worker.hpp>
#include <weir/flow/outcome.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/container/static_vector.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace weir::detail {

/// The job a worker is at. It is here and not in the coroutine, so that it can still be told of
/// when the coroutine is gone.
template <class Job>
struct taken_job {
    bool empty() const noexcept { return !item; }
    void put(numbered_job<Job>&& job) noexcept { item.emplace(std::move(job)); }
    numbered_job<Job>& current() noexcept { return *item; }

    std::optional<numbered_job<Job>> item;
};

/// Jobs that a worker took in one go, and what came of them, to be published in one go: of jobs
/// that never suspend. Several only while they are over in less than a microsecond each, and no
/// more than that was earned by: what is taken behind one that turns out to be slow waits for it.
template <class Job, class R>
struct taken_jobs {
    /// Enough to make taking and publishing cheap, few enough to be done with in microseconds.
    static constexpr std::size_t most = 16;

    bool empty() const noexcept { return begun == jobs.size(); }
    bool has_several() const noexcept { return jobs.size() - begun > 1; }
    void put(numbered_job<Job>&& job) noexcept { jobs.push_back(std::move(job)); }
    numbered_job<Job>& current() noexcept { return jobs[begun]; }
    void next() noexcept
    {
        if (++begun == jobs.size()) {
            jobs.clear();
            begun = 0;
        }
    }

    /// One job at a time, and one more for each so many that were quick in a row: however often a
    /// slow one comes, about one job in a thousand, at most, was taken ahead and waits for it.
    static constexpr std::size_t to_earn_one = 1024;
    std::size_t share() const noexcept { return std::min(1 + quick_in_a_row / to_earn_one, most); }
    /// After each job that was measured: whether the last look said that jobs are quick. One that
    /// was not had nothing behind it.
    void trust(bool quick) noexcept { quick_in_a_row = quick ? quick_in_a_row + 1 : 0; }

    boost::container::static_vector<numbered_job<Job>, most> jobs;
    std::size_t begun = 0; // of the jobs; the next is the current one
    boost::container::static_vector<outcome<R>, most> ended;
    std::size_t published = 0; // of those that ended
    std::size_t quick_in_a_row = 0;
};

/// A worker of the pool, with one or several jobs in its hand.
template <class Hand>
class member final : public worker {
public:
    explicit member(boost::asio::any_io_executor executor)
        : worker(std::move(executor), role::member, own_), own_(job_counters::writers::one)
    {
    }

    Hand hand;

private:
    alignas(64) job_counters own_; // a line that only this worker writes to
};

/// One job beside the members, and who is to be told when it has ended, if anybody.
template <class Job>
class guest final : public worker {
public:
    using end_handler = boost::asio::any_completion_handler<void()>;

    guest(boost::asio::any_io_executor executor, job_counters& counted, end_handler then)
        : worker(std::move(executor), role::guest, counted), on_end(std::move(then))
    {
    }

    taken_job<Job> hand;
    end_handler on_end;
};

} // namespace weir::detail
