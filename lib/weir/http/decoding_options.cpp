#include <weir/http/decoding_options.hpp>

#include <stdexcept>

namespace weir::http {
namespace {

/// A decoder of gzip and its buffer.
constexpr std::size_t least_memory = 128 * 1024;

} // namespace

decoding_options& decoding_options::accept(content_codings which)
{
    accept_ = which;
    return *this;
}

decoding_options& decoding_options::max_bytes(std::uint64_t bytes)
{
    max_bytes_ = bytes;
    return *this;
}

decoding_options& decoding_options::max_ratio(std::uint32_t times)
{
    if (times == 0)
        throw std::invalid_argument("weir::http::decoding_options::max_ratio: must be at least 1");
    max_ratio_ = times;
    return *this;
}

decoding_options& decoding_options::max_memory(std::size_t bytes)
{
    if (bytes < least_memory)
        throw std::invalid_argument(
            "weir::http::decoding_options::max_memory: must be at least 131072");
    max_memory_ = bytes;
    return *this;
}

decoding_options& decoding_options::max_memory_of_all(std::size_t bytes)
{
    if (bytes < least_memory)
        throw std::invalid_argument(
            "weir::http::decoding_options::max_memory_of_all: must be at least 131072");
    max_memory_of_all_ = bytes;
    return *this;
}

} // namespace weir::http
