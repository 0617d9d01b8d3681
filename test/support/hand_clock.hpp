#pragma once

#include <weir/detail/time_service.hpp>
#include <weir/duration.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>

#include <cerrno>
#include <memory>

namespace weir::test {

/// A context whose time stands still until the test moves it, and whose wake-ups can fail.
class hand_clock {
public:
    hand_clock() { boost::asio::make_service<detail::time_service>(io_, source_); }

    boost::asio::io_context& context() noexcept { return io_; }
    boost::asio::io_context::executor_type executor() noexcept { return io_.get_executor(); }
    detail::time_service& service() { return detail::time_service::of(executor()); }

    /// The next wake-ups cannot be had: there are too many open files.
    void fail_next(int many) noexcept { source_->failures = many; }

    /// A wake-up that was on its way when it was taken back.
    void wake_late() { service().fire(); }
    bool is_set() const noexcept { return source_->wake_at_ != time_point::max(); }

    void advance_to(time_point at)
    {
        source_->time = at;
        if (source_->wake_at_ <= at) {
            source_->wake_at_ = time_point::max();
            service().fire();
        }
    }

private:
    struct source final : detail::clock_source {
        time_point now() const noexcept override { return time; }

        void wake_at(detail::time_service&, time_point at,
                     const boost::asio::any_io_executor&) override
        {
            wake_at_ = time_point::max();
            if (failures > 0) {
                --failures;
                throw system_error(error_code(EMFILE, boost::asio::error::get_system_category()));
            }
            wake_at_ = at;
        }
        void sleep(detail::time_service&) noexcept override { wake_at_ = time_point::max(); }
        void shutdown(detail::time_service&) noexcept override {}

        time_point time{};
        time_point wake_at_ = time_point::max();
        int failures = 0;
    };

    std::shared_ptr<source> source_ = std::make_shared<source>();
    boost::asio::io_context io_;
};

} // namespace weir::test
