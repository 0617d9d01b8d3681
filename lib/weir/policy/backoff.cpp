#include <weir/policy/backoff.hpp>

#include <random>
#include <stdexcept>

namespace weir {
namespace {

__extension__ using wide = unsigned __int128;

constexpr std::uint64_t gamma = 0x9e3779b97f4a7c15;

std::uint64_t mixed(std::uint64_t z) noexcept
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

// Asks the system once; afterwards each seed is the next number of one generator.
std::uint64_t any_seed()
{
    static std::atomic<std::uint64_t> state{[] {
        std::random_device system;
        return (std::uint64_t{system()} << 32) | system();
    }()};
    return mixed(state.fetch_add(gamma, std::memory_order_relaxed));
}

} // namespace

backoff::backoff(duration base, duration cap) : backoff(base, cap, any_seed()) {}

backoff::backoff(duration base, duration cap, std::uint64_t seed)
    : base_(base), cap_(cap), state_(seed)
{
    if (base <= duration::zero())
        throw std::invalid_argument("weir::backoff: the base must be above zero");
    if (cap < base)
        throw std::invalid_argument("weir::backoff: the cap must not be below the base");
}

backoff::backoff(const backoff& other) noexcept
    : base_(other.base_), cap_(other.cap_), state_(other.draw())
{
}

backoff::backoff(backoff&& other) noexcept
    : base_(other.base_), cap_(other.cap_), state_(other.state_.load(std::memory_order_relaxed))
{
}

backoff& backoff::operator=(const backoff& other) noexcept
{
    return *this = backoff(other);
}

backoff& backoff::operator=(backoff&& other) noexcept
{
    base_ = other.base_;
    cap_ = other.cap_;
    state_.store(other.state_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return *this;
}

duration backoff::bound(std::size_t attempts) const noexcept
{
    const std::size_t doublings = attempts == 0 ? 0 : attempts - 1;
    // Shifted down, the cap cannot overflow where the base shifted up would.
    if (doublings >= 63 || base_ > duration(cap_.count() >> doublings))
        return cap_;
    return duration(base_.count() << doublings);
}

duration backoff::next(std::size_t attempts) const noexcept
{
    const wide values = wide(bound(attempts).count()) + 1;
    return duration(static_cast<duration::rep>((wide(draw()) * values) >> 64));
}

std::uint64_t backoff::draw() const noexcept
{
    return mixed(state_.fetch_add(gamma, std::memory_order_relaxed) + gamma);
}

} // namespace weir
