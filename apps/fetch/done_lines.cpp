#include "done_lines.hpp"

#include <bit>
#include <limits>

namespace weir_fetch {
namespace {

std::uint64_t bit_of(std::uint64_t line) noexcept
{
    return std::uint64_t{1} << (line % done_lines::block_size);
}

/// Lines that have changed places must not have the same sum.
std::uint64_t placed(std::uint64_t line, std::uint64_t hash) noexcept
{
    std::uint64_t sum = (hash ^ line) * 0x9E3779B97F4A7C15U;
    sum ^= sum >> 32;
    return (sum + line) * 0xD6E8FEB86659FD93U;
}

} // namespace

bool done_lines::add(std::uint64_t line, std::uint64_t hash)
{
    block& in = blocks_[line / block_size];
    if ((in.lines & bit_of(line)) != 0)
        return false;
    in.lines |= bit_of(line);
    in.sum += placed(line, hash);
    ++size_;
    return true;
}

bool done_lines::contains(std::uint64_t line) const
{
    return (of(line / block_size).lines & bit_of(line)) != 0;
}

done_lines::block done_lines::of(std::uint64_t number) const
{
    const auto found = blocks_.find(number);
    return found == blocks_.end() ? block() : found->second;
}

std::optional<std::uint64_t> done_lines::first_from(std::uint64_t line) const
{
    std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
    for (const auto& [number, in] : blocks_) {
        std::uint64_t lines = in.lines;
        if (number < line / block_size)
            continue;
        if (number == line / block_size)
            lines &= ~(bit_of(line) - 1);
        const auto at = static_cast<std::uint64_t>(std::countr_zero(lines));
        if (lines != 0 && number * block_size + at < first)
            first = number * block_size + at;
    }
    if (first == std::numeric_limits<std::uint64_t>::max())
        return std::nullopt;
    return first;
}

/// A block that is skipped as a whole counts as one without lines.
std::optional<input_check::difference> input_check::leave_block()
{
    const auto wanted = done_.of(now_.block);
    if (wanted != seen_)
        return now_;
    checked_ += static_cast<std::uint64_t>(std::popcount(seen_.lines));
    seen_ = done_lines::block();
    now_ = difference{now_.block + 1, 0, {}};
    return std::nullopt;
}

std::optional<input_check::difference> input_check::pass(std::uint64_t line, std::uint64_t hash)
{
    while (now_.block < line / done_lines::block_size)
        if (auto differs = leave_block())
            return differs;
    now_.lines |= bit_of(line);
    now_.hashes[line % done_lines::block_size] = hash;
    if (done_.contains(line)) {
        seen_.lines |= bit_of(line);
        seen_.sum += placed(line, hash);
    }
    return std::nullopt;
}

std::optional<input_check::difference> input_check::finish()
{
    if (auto differs = leave_block())
        return differs;
    if (checked_ == done_.size())
        return std::nullopt;
    const auto missing = done_.first_from(now_.block * done_lines::block_size);
    return difference{missing.value_or(0) / done_lines::block_size, 0, {}};
}

} // namespace weir_fetch
