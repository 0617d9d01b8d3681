#include <weir/http/detail/system_source.hpp>

#include <weir/detail/own_executor.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <netdb.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;
using weir::detail::own_any_executor;

constexpr auto good_for = std::chrono::minutes(1);

error_code error_of(int status)
{
    switch (status) {
    case EAI_NONAME:
        return asio::error::host_not_found;
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return asio::error::no_data;
    case EAI_MEMORY:
        return asio::error::no_memory;
    case EAI_AGAIN:
        return asio::error::host_not_found_try_again;
    default:
        return asio::error::no_recovery;
    }
}

} // namespace

name_answer system_source::by_getaddrinfo(const std::string& name, address_family which)
{
    addrinfo hints{};
    hints.ai_family = which == address_family::v6 ? AF_INET6 : AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
    if (status != 0)
        return name_answer(error_of(status));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> freed(found, ::freeaddrinfo);
    name_answer answer;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        asio::ip::tcp::endpoint where;
        std::memcpy(where.data(), each->ai_addr, each->ai_addrlen);
        answer.found.push_back(where.address());
    }
    answer.ttl = good_for;
    return answer;
}

/// The threads, and what waits for them. A thread keeps it alive, and may be the last to do so: a
/// look-up cannot be interrupted, and nothing waits for one that is not needed.
class system_source::lane : public std::enable_shared_from_this<lane> {
public:
    lane(const asio::any_io_executor& executor, look_up how)
        : how_(how), home_(
                         executor, std::shared_ptr<void>(std::shared_ptr<void>(), this),
                         [](void* self) noexcept { static_cast<lane*>(self)->close(); },
                         own_any_executor::bare::is_dropped)
    {
    }

    ticket ask(const std::string& name, address_family which, then told);
    void abandon(ticket asked) noexcept;
    void close() noexcept;

private:
    struct question {
        ticket asked;
        std::string name;
        address_family which;
    };

    bool start_thread();
    void work();
    void answer_later(ticket asked, name_answer answer);

    const look_up how_;
    std::map<ticket, then> asked_; // on the executor, as `last_`
    ticket last_ = 0;
    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<question> queue_;
    std::size_t threads_ = 0;
    std::size_t idle_ = 0;
    bool closed_ = false;
    own_any_executor home_;
};

name_source::ticket system_source::lane::ask(const std::string& name, address_family which,
                                             then told)
{
    const ticket mine = ++last_;
    if (home_.is_gone())
        return mine;
    asked_.emplace(mine, std::move(told));
    bool is_started = true;
    {
        std::lock_guard lock(mutex_);
        queue_.push_back({mine, name, which});
        if (idle_ < queue_.size() && threads_ < max_threads)
            is_started = start_thread();
        if (!is_started)
            queue_.pop_back();
    }
    more_.notify_one();
    if (!is_started)
        answer_later(mine, name_answer(error_code(asio::error::no_memory)));
    return mine;
}

// Under the mutex. False: there is no thread, and there cannot be one.
bool system_source::lane::start_thread()
{
    try {
        std::thread([self = shared_from_this()] { self->work(); }).detach();
    } catch (const std::system_error&) {
        return threads_ != 0;
    }
    ++threads_;
    return true;
}

void system_source::lane::work()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        more_.wait(lock, [this] { return closed_ || !queue_.empty(); });
        --idle_;
        if (closed_)
            return;
        const question next = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        name_answer answer = how_(next.name, next.which);
        answer_later(next.asked, std::move(answer));
        lock.lock();
    }
}

// On any thread. While the executor is kept, its context is not destroyed.
void system_source::lane::answer_later(ticket asked, name_answer answer)
{
    const auto kept = home_.keep();
    if (!kept)
        return;
    auto tell = [self = weak_from_this(), asked, answer = std::move(answer)] {
        const auto alive = self.lock();
        if (!alive)
            return;
        if (const auto found = alive->asked_.extract(asked))
            found.mapped()(answer);
    };
    asio::post(home_.get(kept), std::move(tell));
}

void system_source::lane::abandon(ticket asked) noexcept
{
    if (asked_.erase(asked) == 0)
        return;
    std::lock_guard lock(mutex_);
    std::erase_if(queue_, [asked](const question& each) { return each.asked == asked; });
}

void system_source::lane::close() noexcept
{
    asked_.clear();
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        queue_.clear();
    }
    more_.notify_all();
}

system_source::system_source(const asio::any_io_executor& executor, look_up how)
    : lane_(std::make_shared<lane>(executor, how))
{
}

system_source::~system_source()
{
    lane_->close();
}

name_source::ticket system_source::ask(const std::string& name, address_family which, then told)
{
    return lane_->ask(name, which, std::move(told));
}

void system_source::abandon(ticket asked) noexcept
{
    lane_->abandon(asked);
}

} // namespace weir::http::detail
