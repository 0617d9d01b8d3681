#include <weir/http/detail/pulled_body.hpp>

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <stdexcept>

namespace weir::http::detail {

namespace asio = boost::asio;

namespace {

class scoped_flag {
public:
    explicit scoped_flag(bool& flag) : flag_(flag) { flag_ = true; }
    scoped_flag(const scoped_flag&) = delete;
    scoped_flag& operator=(const scoped_flag&) = delete;
    ~scoped_flag() { flag_ = false; }

private:
    bool& flag_;
};

} // namespace

// Counted before `rung_` says so: a ring in between is not lost, for what it was about is looked at
// after this.
asio::awaitable<void> bell::wait()
{
    co_await silence_.async_wait(asio::use_awaitable);
    if (rung_.load()) {
        silence_.add();
        rung_.store(false);
    }
}

asio::awaitable<error_code> pulled_body::begin(std::uint64_t offset, const response& head)
{
    tell(head, false);
    return body_receiver::begin(offset, head);
}

asio::awaitable<error_code> pulled_body::write(std::string_view part)
{
    offer(part);
    news_.ring();
    while (!is_taken())
        co_await taken_.wait();
    co_return error_code();
}

void pulled_body::ended(response whole)
{
    tell(std::move(whole), true);
}

void pulled_body::tell(response news, bool over)
{
    bool first = false;
    {
        std::lock_guard lock(mutex_);
        answer_ = std::move(news);
        is_new_ = true;
        first = !begun_;
        begun_ = true;
        over_ = over;
        if (over)
            part_ = {};
    }
    news_.ring();
    if (first && tell_opened_)
        tell_opened_();
}

void pulled_body::offer(std::string_view part)
{
    std::lock_guard lock(mutex_);
    kept_ = part; // it may still be looked at when this has ended
    part_ = kept_;
}

bool pulled_body::is_taken()
{
    std::lock_guard lock(mutex_);
    return part_.empty();
}

void pulled_body::take()
{
    std::lock_guard lock(mutex_);
    part_ = {};
}

bool pulled_body::look()
{
    std::lock_guard lock(mutex_);
    show();
    return begun_;
}

void pulled_body::show()
{
    if (std::exchange(is_new_, false))
        shown_ = std::move(answer_);
}

asio::awaitable<void> pulled_body::opened()
{
    while (!look())
        co_await news_.wait();
}

/// The part that is offered, which may be looked at from now on; an empty one at the end; nothing
/// while there is neither.
std::optional<std::string_view> pulled_body::offered()
{
    std::lock_guard lock(mutex_);
    show();
    if (part_.empty() && !over_)
        return std::nullopt;
    return part_;
}

asio::awaitable<std::string_view> pulled_body::next()
{
    if (is_waited_for_)
        throw std::logic_error("weir::http::open_response: next() is called while another call of "
                               "it waits: each part is for one");
    const scoped_flag waits(is_waited_for_);
    if (std::exchange(given_, false)) {
        take();
        taken_.ring();
    }
    auto part = offered();
    while (!part) {
        co_await news_.wait();
        part = offered();
    }
    given_ = !part->empty();
    co_return *part;
}

bool pulled_body::is_over()
{
    std::lock_guard lock(mutex_);
    return over_;
}

void pulled_body::abandon() noexcept
{
    if (is_over())
        return;
    if (stop_there_)
        stop_there_();
    else
        stop_.emit(asio::cancellation_type::terminal);
}

} // namespace weir::http::detail
