#include <weir/flow/detail/pool/pool_state.hpp>
#include <weir/run/runner_pool.hpp>

// Pools with threads of their own. In a file of its own: a program whose pools all work on its own
// executors links neither this nor the runners.

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace weir {
namespace detail {

pool_threads own_threads(const pool_options& options, bool for_coroutines)
{
    std::size_t count = runner_pool::default_size();
    if (!for_coroutines) {
        const std::size_t workers = bounded(options.workers()).count();
        count = workers == 0 ? 1 : workers;
    }
    auto runners = std::make_shared<runner_pool>(count);
    std::vector<boost::asio::any_io_executor> executors = runners->executors();
    return {std::move(runners), std::move(executors)};
}

} // namespace detail

pool_options& pool_options::blocking()
{
    blocking_threads_ = detail::own_threads;
    return *this;
}

} // namespace weir
