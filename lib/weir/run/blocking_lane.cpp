#include <weir/run/blocking_lane.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace weir {

namespace asio = boost::asio;

namespace detail {

/// The threads of a lane that has its own. Each thread keeps this object alive.
class lane_threads : public std::enable_shared_from_this<lane_threads> {
public:
    explicit lane_threads(std::size_t count) : context_(static_cast<int>(count)) {}

    asio::any_io_executor executor() { return context_.get_executor(); }

    void start(std::size_t count)
    {
        threads_.reserve(count);
        try {
            for (std::size_t i = 0; i < count; ++i)
                threads_.emplace_back([self = shared_from_this()] { self->context_.run(); });
        } catch (...) {
            context_.stop();
            join();
            throw;
        }
    }

    /// The lane is closed: all that is queued here are its completions, and those run before the
    /// end.
    void end(lane_state& lane)
    {
        work_.reset();
        const auto self = std::this_thread::get_id();
        const auto is_this = [self](const std::thread& t) { return t.get_id() == self; };
        if (std::any_of(threads_.begin(), threads_.end(), is_this)) {
            for (std::thread& t : threads_)
                t.detach(); // each ends when nothing is left to run
            return;
        }
        lane.wait_until_idle();
        asio::post(context_, [this] { context_.stop(); });
        join();
    }

private:
    void join()
    {
        for (std::thread& t : threads_)
            t.join();
    }

    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::vector<std::thread> threads_;
};

} // namespace detail

blocking_lane::blocking_lane(std::size_t threads, std::size_t queue)
{
    if (threads == 0)
        throw std::invalid_argument("weir::blocking_lane: at least one thread is needed");
    threads_ = std::make_shared<detail::lane_threads>(threads);
    state_ = std::make_shared<detail::lane_state>(threads_->executor(), limit(threads), queue);
    state_->enlist();
    threads_->start(threads);
}

blocking_lane::blocking_lane(executor_type executor, limit at_once, std::size_t queue)
    : state_(std::make_shared<detail::lane_state>(std::move(executor), at_once, queue))
{
    state_->enlist();
}

blocking_lane::~blocking_lane()
{
    state_->close();
    if (threads_)
        threads_->end(*state_);
}

} // namespace weir
