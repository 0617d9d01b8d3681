#include <weir/policy/breaker_options.hpp>

#include <stdexcept>

namespace weir {
namespace {

void check(bool good, const char* why)
{
    if (!good)
        throw std::invalid_argument(why);
}

} // namespace

const char* to_string(breaker_state state) noexcept
{
    switch (state) {
    case breaker_state::closed:
        return "closed";
    case breaker_state::open:
        return "open";
    case breaker_state::half_open:
        return "half_open";
    }
    return "unknown";
}

breaker_options& breaker_options::window(std::size_t calls)
{
    check(calls >= 1 && calls <= 64, "weir::breaker: the window must be 1 to 64 calls");
    window_ = calls;
    return *this;
}

breaker_options& breaker_options::failures(std::size_t calls)
{
    check(calls >= 1, "weir::breaker: it must take at least 1 failure");
    failures_ = calls;
    return *this;
}

breaker_options& breaker_options::slow(duration length, std::size_t calls)
{
    check(length > duration::zero(), "weir::breaker: a slow call must take more than no time");
    check(calls >= 1, "weir::breaker: it must take at least 1 slow call");
    slow_ = length;
    slow_calls_ = calls;
    return *this;
}

breaker_options& breaker_options::open_for(duration length)
{
    check(length > duration::zero(), "weir::breaker: it must stay open for some time");
    open_for_ = length;
    return *this;
}

breaker_options& breaker_options::probes(std::size_t calls)
{
    check(calls >= 1, "weir::breaker: there must be at least 1 probe");
    probes_ = calls;
    return *this;
}

breaker_options& breaker_options::max_keys(std::size_t keys)
{
    check(keys >= 1, "weir::breaker: there must be room for at least 1 key");
    max_keys_ = keys;
    return *this;
}

breaker_options& breaker_options::forget_after(duration length)
{
    check(length > duration::zero(), "weir::breaker: a key must be kept for some time");
    forget_after_ = length;
    return *this;
}

} // namespace weir
