#include <weir/sim/stream.hpp>

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace weir::sim {

namespace asio = boost::asio;

stream_options& stream_options::delay(duration shortest, duration longest)
{
    if (shortest < duration::zero() || longest < shortest)
        throw std::invalid_argument("weir::sim::stream_options: 0 <= shortest <= longest");
    shortest_ = shortest;
    longest_ = longest;
    return *this;
}

stream_options& stream_options::chunk(std::size_t most)
{
    if (most == 0)
        throw std::invalid_argument("weir::sim::stream_options: a chunk has at least one byte");
    chunk_ = most;
    return *this;
}

stream_options& stream_options::buffer(std::size_t bytes)
{
    if (bytes == 0)
        throw std::invalid_argument("weir::sim::stream_options: a buffer has at least one byte");
    buffer_ = bytes;
    return *this;
}

namespace detail {

duration choose_delay(world& w, const stream_options& options)
{
    constexpr int lengths = 5;
    const duration spread = options.longest_delay() - options.shortest_delay();
    if (spread == duration::zero())
        return options.shortest_delay();
    return options.shortest_delay() + spread / (lengths - 1) * static_cast<int>(w.choose(lengths));
}

bool pipe::readable() const noexcept
{
    const auto at = arrival();
    return reset_ || (at && *at <= world_.now());
}

bool pipe::writable() const noexcept
{
    return reset_ || end_ || abandoned_ || inside_ < options_.buffer();
}

std::size_t pipe::available() const noexcept
{
    std::size_t bytes = 0;
    for (const piece& p : pieces_)
        if (p.arrives <= world_.now())
            bytes += p.bytes.size();
    return bytes;
}

std::optional<time_point> pipe::arrival() const noexcept
{
    if (!pieces_.empty())
        return pieces_.front().arrives;
    return end_;
}

std::size_t pipe::some_of(std::size_t bytes)
{
    if (options_.chunk() == 0)
        return bytes;
    return 1 + world_.choose(std::min(bytes, options_.chunk()));
}

moved pipe::read(const mutable_buffers& into)
{
    if (reset_)
        return {asio::error::connection_reset, 0};
    const std::size_t room = asio::buffer_size(into);
    if (room == 0)
        return {};
    assert(readable());
    std::string arrived;
    for (const piece& p : pieces_)
        if (p.arrives <= world_.now() && arrived.size() < room)
            arrived += p.bytes;
    if (arrived.empty())
        return {asio::error::eof, 0}; // and every later read ends so too
    const std::size_t bytes = some_of(std::min(arrived.size(), room));
    asio::buffer_copy(into, asio::buffer(arrived, bytes));
    for (std::size_t left = bytes; left != 0;) {
        std::string& first = pieces_.front().bytes;
        const std::size_t taken = std::min(left, first.size());
        first.erase(0, taken);
        left -= taken;
        if (first.empty())
            pieces_.pop_front();
    }
    inside_ -= bytes;
    if (writer != nullptr)
        writer->look();
    return {error_code(), bytes};
}

// Bytes that are sent later do not arrive earlier.
time_point pipe::arrival_of_next()
{
    const duration length = choose_delay(world_, options_);
    last_arrival_ = std::max(last_arrival_, saturating_add(world_.now(), length));
    return last_arrival_;
}

moved pipe::write(const const_buffers& from)
{
    if (reset_)
        return {asio::error::connection_reset, 0};
    if (end_ || abandoned_)
        return {asio::error::broken_pipe, 0};
    const std::size_t wanted = asio::buffer_size(from);
    if (wanted == 0)
        return {};
    assert(inside_ < options_.buffer());
    std::string bytes(some_of(std::min(wanted, options_.buffer() - inside_)), '\0');
    asio::buffer_copy(asio::buffer(bytes), from);
    const std::size_t written = bytes.size();
    inside_ += written;
    pieces_.push_back({arrival_of_next(), std::move(bytes)});
    if (reader != nullptr)
        reader->look();
    return {error_code(), written};
}

void pipe::finish() noexcept
{
    if (end_)
        return;
    end_ = std::max(last_arrival_, saturating_add(world_.now(), options_.shortest_delay()));
    if (reader != nullptr)
        reader->look();
    if (writer != nullptr)
        writer->look();
}

void pipe::abandon() noexcept
{
    abandoned_ = true;
    if (writer != nullptr)
        writer->look();
}

void pipe::reset() noexcept
{
    reset_ = true;
    pieces_.clear();
    if (reader != nullptr)
        reader->look();
    if (writer != nullptr)
        writer->look();
}

} // namespace detail

stream::stream(context& here) : executor_(here.get_executor()) {}

stream& stream::operator=(stream&& other) noexcept
{
    if (this != &other) {
        close();
        executor_ = std::move(other.executor_);
        in_ = std::move(other.in_);
        out_ = std::move(other.out_);
        descriptor_ = std::move(other.descriptor_);
    }
    return *this;
}

stream::~stream()
{
    close();
}

namespace {

// `action` on `at`, or why not now.
template <class Action>
std::size_t try_once(detail::pipe* at, bool is_ready, const Action& action, error_code& error)
{
    detail::moved result;
    if (!at)
        result.error = asio::error::bad_descriptor;
    else if (is_ready || action.is_empty())
        result = action(*at);
    else
        result.error = asio::error::would_block;
    error = result.error;
    return result.bytes;
}

} // namespace

std::size_t stream::try_read(const asio::mutable_buffer& into, error_code& error)
{
    return try_once(in_.get(), in_ && in_->readable(), detail::reading(into), error);
}

std::size_t stream::try_write(const asio::const_buffer& from, error_code& error)
{
    return try_once(out_.get(), out_ && out_->writable(), detail::writing(from), error);
}

void stream::shutdown_send() noexcept
{
    if (is_open())
        out_->finish();
}

void stream::cancel() noexcept
{
    if (!is_open())
        return;
    if (in_->reader != nullptr)
        in_->reader->abort();
    if (out_->writer != nullptr)
        out_->writer->abort();
}

void stream::close() noexcept
{
    if (!is_open())
        return;
    cancel();
    const auto in = std::move(in_);
    const auto out = std::move(out_);
    descriptor_.reset();
    out->finish();
    in->abandon();
}

void stream::reset() noexcept
{
    if (!is_open())
        return;
    in_->reset();
    out_->reset();
}

std::pair<stream, stream> stream_pair(context& first, context& second,
                                      const stream_options& options)
{
    const auto there = std::make_shared<detail::pipe>(first.get_world(), options);
    const auto back = std::make_shared<detail::pipe>(first.get_world(), options);
    return {stream(first.get_executor(), back, there), stream(second.get_executor(), there, back)};
}

std::pair<stream, stream> stream_pair(context& first, context& second)
{
    return stream_pair(first, second, stream_options());
}

} // namespace weir::sim
