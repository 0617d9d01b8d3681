#include <weir/sim/chooser.hpp>

namespace weir::sim {

bool chooser::strikes(std::size_t)
{
    return choose(2) == 1;
}

std::uint64_t seeded_chooser::next() noexcept
{
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
}

} // namespace weir::sim
