#include <weir/run/detail/lane/lane_callers.hpp>

#include <cassert>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

/// Keeps a context from going while lanes work for its callers.
class lane_callers_service final : public asio::execution_context::service {
public:
    static inline asio::execution_context::id id;

    explicit lane_callers_service(asio::execution_context& context) : service(context) {}

    const std::shared_ptr<lane_callers> callers = std::make_shared<lane_callers>();

private:
    void shutdown() override { callers->wait_until_left(); }
};

constinit thread_local const lane_callers* calling_for = nullptr;

} // namespace

std::shared_ptr<lane_callers> lane_callers::of(asio::execution_context& context)
{
    return asio::use_service<lane_callers_service>(context).callers;
}

void lane_callers::enter() noexcept
{
    std::lock_guard lock(mutex_);
    ++inside_;
}

void lane_callers::leave() noexcept
{
    std::lock_guard lock(mutex_);
    if (--inside_ == 0)
        left_.notify_all();
}

void lane_callers::wait_until_left()
{
    assert(!called_here() && "a callable destroys its caller's context");
    std::unique_lock lock(mutex_);
    left_.wait(lock, [this] { return inside_ == 0; });
}

bool lane_callers::called_here() const noexcept
{
    return calling_for == this;
}

lane_callers::calling::calling(const lane_callers& callers) noexcept
    : outer_(std::exchange(calling_for, &callers))
{
}

lane_callers::calling::~calling()
{
    calling_for = outer_;
}

} // namespace weir::detail
