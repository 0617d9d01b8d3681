#include <weir/flow/detail/pool/pool_state.hpp>
#include <weir/run/runner_pool.hpp>

// Pools with threads of their own. In a file of its own: a program whose pools all work on its own
// executors links neither this nor the runners.

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weir {
namespace detail {

namespace {

pool_threads start_threads(std::size_t count)
{
    auto runners = std::make_shared<runner_pool>(count);
    std::vector<boost::asio::any_io_executor> executors = runners->executors();
    return {std::move(runners), std::move(executors)};
}

pool_threads one_per_worker(const pool_options& options)
{
    if (options.workers().is_unlimited())
        throw std::invalid_argument("weir: a pool with a thread for each of its workers needs a "
                                    "limit of them");
    const std::size_t workers = options.workers().count();
    return start_threads(workers == 0 ? 1 : workers);
}

} // namespace

pool_threads own_threads(const pool_options& options, bool for_coroutines)
{
    if (for_coroutines)
        return start_threads(runner_pool::default_size());
    if (options.is_blocking())
        return {}; // as over executors of yours, the pool starts them
    return one_per_worker(options);
}

} // namespace detail

pool_options& pool_options::blocking()
{
    blocking_threads_ = detail::one_per_worker;
    return *this;
}

} // namespace weir
