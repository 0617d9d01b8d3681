#include <weir/run/runner_pool_options.hpp>

#include <weir/run/runner_pool.hpp>

#include <stdexcept>
#include <utility>

namespace weir {

runner_pool_options::runner_pool_options() : runners_(runner_pool::default_size()) {}

runner_pool_options& runner_pool_options::runners(std::size_t number)
{
    if (number == 0)
        throw std::invalid_argument("weir::runner_pool: at least one runner is needed");
    runners_ = number;
    return *this;
}

runner_pool_options& runner_pool_options::on_error(error_sink sink)
{
    on_error_ = std::move(sink);
    return *this;
}

runner_pool_options& runner_pool_options::poll_first(duration length)
{
    if (length < duration::zero())
        throw std::invalid_argument("weir::runner_pool: the time to poll must not be negative");
    poll_first_ = length;
    return *this;
}

runner_pool_options& runner_pool_options::pin()
{
    pins_ = true;
    cores_.clear();
    return *this;
}

runner_pool_options& runner_pool_options::pin_to(std::vector<int> cores)
{
    if (cores.empty())
        throw std::invalid_argument("weir::runner_pool: no cores were given to pin runners to");
    pins_ = true;
    cores_ = std::move(cores);
    return *this;
}

runner_pool_options& runner_pool_options::name(std::string prefix)
{
    name_ = std::move(prefix);
    return *this;
}

} // namespace weir
