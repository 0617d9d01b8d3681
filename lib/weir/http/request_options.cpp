#include <weir/http/request_options.hpp>

#include <stdexcept>
#include <string>

namespace weir::http {
namespace {

duration above_zero(duration length, const char* name)
{
    if (length <= duration::zero())
        throw std::invalid_argument("weir::http::request_options::" + std::string(name) +
                                    ": must be above 0");
    return length;
}

template <class T>
void fill(std::optional<T>& own, const std::optional<T>& other)
{
    if (!own)
        own = other;
}

} // namespace

request_options& request_options::max_body(std::uint64_t bytes)
{
    max_body_ = bytes;
    return *this;
}

request_options& request_options::max_kept_body(std::uint64_t bytes)
{
    max_kept_body_ = bytes;
    return *this;
}

request_options& request_options::expect_above(std::uint64_t bytes)
{
    expect_above_ = bytes;
    return *this;
}

request_options& request_options::max_redirects(unsigned number)
{
    max_redirects_ = number;
    return *this;
}

request_options& request_options::continuations(unsigned number)
{
    continuations_ = number;
    return *this;
}

request_options& request_options::name_timeout(duration length)
{
    name_timeout_ = above_zero(length, "name_timeout");
    return *this;
}

request_options& request_options::connect_timeout(duration length)
{
    connect_timeout_ = above_zero(length, "connect_timeout");
    return *this;
}

request_options& request_options::tls_timeout(duration length)
{
    tls_timeout_ = above_zero(length, "tls_timeout");
    return *this;
}

request_options& request_options::first_byte_timeout(duration length)
{
    first_byte_timeout_ = above_zero(length, "first_byte_timeout");
    return *this;
}

request_options& request_options::least_speed(std::uint64_t bytes, duration over)
{
    least_speed_over_ = above_zero(over, "least_speed");
    least_speed_ = bytes;
    return *this;
}

request_options& request_options::total_timeout(duration length)
{
    total_timeout_ = above_zero(length, "total_timeout");
    return *this;
}

request_options request_options::or_else(const request_options& others) const
{
    request_options all(*this);
    fill(all.max_body_, others.max_body_);
    fill(all.max_kept_body_, others.max_kept_body_);
    fill(all.expect_above_, others.expect_above_);
    fill(all.max_redirects_, others.max_redirects_);
    fill(all.continuations_, others.continuations_);
    fill(all.name_timeout_, others.name_timeout_);
    fill(all.connect_timeout_, others.connect_timeout_);
    fill(all.tls_timeout_, others.tls_timeout_);
    fill(all.first_byte_timeout_, others.first_byte_timeout_);
    fill(all.total_timeout_, others.total_timeout_);
    if (!all.least_speed_) {
        all.least_speed_ = others.least_speed_;
        all.least_speed_over_ = others.least_speed_over_;
    }
    return all;
}

} // namespace weir::http
