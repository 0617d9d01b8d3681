#include <weir/http/spill_options.hpp>

#include <stdexcept>
#include <utility>

namespace weir::http {

spill_options::spill_options() = default;

spill_options& spill_options::directory(std::string path)
{
    directory_ = std::move(path);
    return *this;
}

spill_options& spill_options::limit(std::uint64_t bytes)
{
    if (bytes > max_limit)
        throw std::invalid_argument("weir::http::spill_options::limit: must be at most 2^47");
    limit_ = bytes;
    return *this;
}

spill_options& spill_options::lane(std::shared_ptr<blocking_lane> threads)
{
    if (!threads)
        throw std::invalid_argument("weir::http::spill_options::lane: must not be null");
    lane_ = std::move(threads);
    return *this;
}

spill_options& spill_options::on_full(full_hook hook)
{
    on_full_ = std::move(hook);
    return *this;
}

} // namespace weir::http
