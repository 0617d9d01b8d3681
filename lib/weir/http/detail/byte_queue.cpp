#include <weir/http/detail/byte_queue.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::http::detail {
namespace {

std::ptrdiff_t steps(std::size_t count) noexcept
{
    return static_cast<std::ptrdiff_t>(count);
}

} // namespace

std::string_view byte_queue::front() const noexcept
{
    const block& first = blocks_.front();
    return std::string_view(first.data(), first.size()).substr(begin_);
}

std::string byte_queue::copy(std::size_t at, std::size_t count) const
{
    std::string out;
    out.reserve(count);
    at += begin_;
    for (auto each = blocks_.begin(); out.size() != count; ++each) {
        const std::string_view part(each->data(), each->size());
        if (at < part.size())
            out += part.substr(at, count - out.size());
        at -= std::min(at, part.size());
    }
    return out;
}

void byte_queue::append(std::string_view more)
{
    while (!more.empty()) {
        if (blocks_.empty() || blocks_.back().size() >= block_size)
            blocks_.emplace_back();
        block& last = blocks_.back();
        if (begin_ != 0 && blocks_.size() == 1 && last.capacity() - last.size() < more.size())
            trim_front(); // what has left is not to grow
        const std::size_t count = std::min(more.size(), block_size - last.size());
        if (const std::size_t wanted = last.size() + count; wanted > last.capacity())
            last.reserve(std::min(block_size, std::max(wanted, 2 * last.capacity())));
        last.insert(last.end(), more.begin(), more.begin() + steps(count));
        size_ += count;
        more.remove_prefix(count);
    }
}

void byte_queue::append(byte_queue&& more)
{
    while (!more.empty()) { // each is freed before the next is copied
        const std::string_view part = more.front();
        append(part);
        more.drop(part.size());
    }
}

void byte_queue::prepend(std::string_view more)
{
    if (more.size() <= begin_) {
        begin_ -= more.size();
        std::copy(more.begin(), more.end(), blocks_.front().begin() + steps(begin_));
        size_ += more.size();
        return;
    }
    if (begin_ != 0)
        trim_front();
    while (!more.empty()) {
        const std::string_view last = more.substr(more.size() - std::min(more.size(), block_size));
        blocks_.emplace_front(last.begin(), last.end());
        size_ += last.size();
        more.remove_suffix(last.size());
    }
}

void byte_queue::drop(std::size_t count)
{
    size_ -= count;
    begin_ += count;
    while (!blocks_.empty() && begin_ >= blocks_.front().size()) {
        begin_ -= blocks_.front().size();
        blocks_.pop_front();
    }
    if (!blocks_.empty() && blocks_.front().capacity() / 4 > front().size())
        trim_front();
}

/// Gives back what the first block has besides its bytes.
void byte_queue::trim_front()
{
    const std::string_view rest = front();
    blocks_.front() = block(rest.begin(), rest.end());
    begin_ = 0;
}

byte_queue byte_queue::split(std::size_t first)
{
    byte_queue rest;
    if (begin_ != 0)
        trim_front();
    auto at = blocks_.begin();
    std::size_t end = first; // in the block
    for (; at != blocks_.end() && end >= at->size(); ++at)
        end -= at->size();
    if (at != blocks_.end() && end != 0) {
        rest.append(std::string_view(at->data(), at->size()).substr(end));
        *at = block(at->begin(), at->begin() + steps(end));
        ++at;
    }
    rest.blocks_.splice(rest.blocks_.end(), blocks_, at, blocks_.end());
    rest.size_ = size_ - first;
    size_ = first;
    return rest;
}

std::size_t byte_queue::capacity() const noexcept
{
    std::size_t all = 0;
    for (const block& each : blocks_)
        all += each.capacity();
    return all;
}

} // namespace weir::http::detail
