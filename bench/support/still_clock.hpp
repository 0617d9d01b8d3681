#pragma once

#include <weir/run/runner_pool.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <cstdlib>
#include <memory>

namespace bench {

/// A clock that stands still. Under callgrind everything takes fifty times as long, and what weir
/// decides by the clock, such as how many trivial jobs are taken together, would be decided as for
/// slow jobs: instructions would be counted that are not run otherwise.
class still_clock final : public weir::detail::clock_source {
public:
    weir::time_point now() const noexcept override { return {}; }
    void wake_at(weir::detail::time_service&, weir::time_point,
                 const boost::asio::any_io_executor&) override
    {
    }
    void sleep(weir::detail::time_service&) noexcept override {}
    void shutdown(weir::detail::time_service&) noexcept override {}
};

/// For `instructions.sh`, which sets this variable. Before anything else uses the runners.
inline void stop_the_clock_if_asked(weir::runner_pool& runners)
{
    if (std::getenv("WEIR_BENCH_STILL_CLOCK") == nullptr)
        return;
    for (std::size_t i = 0; i < runners.size(); ++i) {
        auto& context = boost::asio::query(runners.executor(i), boost::asio::execution::context);
        boost::asio::make_service<weir::detail::time_service>(context,
                                                              std::make_shared<still_clock>());
    }
}

} // namespace bench
