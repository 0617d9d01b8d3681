#include <weir/policy/detail/retry_run.hpp>

#include <weir/detail/post_to.hpp>
#include <weir/detail/serial.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

/// How the handler's slot finds an operation in a strand. The slot may outlive both, and the
/// context of the strand, so it holds neither.
struct retry_run::link {
    explicit link(retry_run* of) noexcept : run(of), strand(of->executor_) {}

    static void cancel(const std::shared_ptr<link>& self)
    {
        std::lock_guard lock(self->mutex);
        if (self->run != nullptr)
            post_to(self->strand, [self] {
                if (self->run != nullptr)
                    self->run->cancelled();
            });
    }

    void drop() noexcept
    {
        std::lock_guard lock(mutex);
        run = nullptr;
        strand = asio::any_io_executor();
    }

    std::mutex mutex;
    retry_run* run; // changes in the strand only
    asio::any_io_executor strand;
};

retry_run::retry_run(asio::any_io_executor executor, retry_policy policy, time_point deadline)
    : executor_(std::move(executor)), policy_(std::move(policy)), in_strand_(!is_serial(executor_))
{
    current_.deadline_ = deadline;
    if (!in_strand_)
        return;
    executor_ = strand_over(executor_);
    link_ = std::make_shared<link>(this);
}

retry_run::~retry_run()
{
    if (request_ != nullptr)
        request_->forget();
    if (link_)
        link_->drop();
}

void retry_run::listen(asio::cancellation_slot slot)
{
    if (!slot.is_connected())
        return;
    if (!in_strand_) {
        slot.emplace<slot_request<retry_run>>(*this);
        return;
    }
    slot.assign([to = link_](asio::cancellation_type type) {
        if (type != asio::cancellation_type::none)
            link::cancel(to);
    });
}

void retry_run::cancelled()
{
    cancelled_ = true;
    signal_.cancel();
}

void retry_run::set_alarm()
{
    if (current_.deadline_ != time_point::max())
        alarm_ = alarm(
            executor_, current_.deadline_,
            [](void* self) { static_cast<retry_run*>(self)->cut_off(); }, this);
}

void retry_run::cut_off() noexcept
{
    late_ = true;
    signal_.cancel();
}

bool retry_run::begin_attempt()
{
    const time_point time = now(executor_);
    if (cancelled_) {
        finish(asio::error::operation_aborted, retry_stop::cancelled);
        return false;
    }
    if (late_ || time >= current_.deadline_) {
        finish(errc::timed_out, retry_stop::deadline);
        return false;
    }
    auto& all = attempts_.all_;
    if (all.size() == all.capacity())
        all.reserve(std::max<std::size_t>(1, 2 * all.size()));
    if (all.empty())
        set_alarm();
    current_.number_ = all.size() + 1;
    current_.not_before_ = time_point::min();
    current_.wait_ = duration::zero();
    current_.failed_ = error_code();
    current_.how_ = transience::by_policy;
    began_ = time;
    return true;
}

std::optional<time_point> retry_run::end_attempt(error_code error, std::exception_ptr exception)
{
    const time_point time = now(executor_);
    transience how = transience::by_policy;
    if (exception) {
        error = code_of(exception);
    } else if (!error) {
        error = current_.failed_;
        how = current_.how_;
    }
    attempts_.all_.push_back({error, exception, began_, time - began_});
    const std::size_t made = attempts_.size();
    if (!error) {
        policy_.succeeded(made, time);
        finish(error_code(), retry_stop::succeeded);
    } else if (cancelled_) {
        finish(asio::error::operation_aborted, retry_stop::cancelled);
    } else if (late_) {
        finish(errc::timed_out, retry_stop::deadline);
    } else {
        const retry_decision next = decide(error, exception, how, time);
        if (next.at)
            return next.at;
        finish(error, next.stop);
    }
    return std::nullopt;
}

retry_decision retry_run::decide(error_code error, const std::exception_ptr& exception,
                                 transience how, time_point time) const
{
    const std::size_t made = attempts_.size();
    const time_point deadline = current_.deadline_;
    const time_point not_before =
        current_.wait_ > duration::zero()
            ? std::max(current_.not_before_, saturating_add(time, current_.wait_))
            : current_.not_before_;
    if (how == transience::permanent)
        return {std::nullopt, retry_stop::permanent};
    if (how == transience::transient)
        return policy_.decide_when(made, time, deadline, not_before);
    return exception ? policy_.decide(made, exception, time, deadline, not_before)
                     : policy_.decide(made, error, time, deadline, not_before);
}

void retry_run::stop_waiting(error_code error) noexcept
{
    if (cancelled_)
        finish(asio::error::operation_aborted, retry_stop::cancelled);
    else if (late_)
        finish(errc::timed_out, retry_stop::deadline);
    else
        give_up(error);
}

void retry_run::give_up(error_code error) noexcept
{
    finish(error, retry_stop::permanent);
}

void retry_run::finish(error_code error, retry_stop why) noexcept
{
    result_ = error;
    attempts_.stop_ = why;
}

error_code code_of(const std::exception_ptr& error) noexcept
{
    try {
        std::rethrow_exception(error);
    } catch (const system_error& e) {
        return e.code() ? e.code() : make_error_code(errc::failed);
    } catch (const std::system_error& e) {
        return e.code() ? error_code(e.code()) : make_error_code(errc::failed);
    } catch (...) {
        return errc::failed;
    }
}

error_code current_error() noexcept
{
    try {
        throw;
    } catch (const std::bad_alloc&) {
        return asio::error::no_memory;
    } catch (...) {
        return code_of(std::current_exception());
    }
}

} // namespace weir::detail
