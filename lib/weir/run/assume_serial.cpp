#include <weir/run/assume_serial.hpp>

#include <weir/detail/hooked_executor.hpp>

#include <atomic>
#include <cassert>
#include <memory>
#include <thread>
#include <utility>

namespace weir {

namespace {

/// Asserts that functions run one at a time.
class serial_check final : public detail::executor_hook {
public:
    void enters() noexcept override
    {
        const std::thread::id me = std::this_thread::get_id();
        if (inside_.load(std::memory_order_relaxed) != me) {
            std::thread::id none;
            [[maybe_unused]] const bool alone = inside_.compare_exchange_strong(none, me);
            assert(alone && "weir::assume_serial: two functions run at the same time: the executor "
                            "is not serial");
        }
        ++depth_;
    }
    void leaves() noexcept override
    {
        if (--depth_ == 0)
            inside_ = std::thread::id();
    }
    bool is_serial() const noexcept override { return true; }

private:
    std::atomic<std::thread::id> inside_{};
    unsigned depth_ = 0; // on that thread
};

} // namespace

boost::asio::any_io_executor assume_serial(boost::asio::any_io_executor executor)
{
    return detail::hooked_executor(std::move(executor), std::make_shared<serial_check>());
}

} // namespace weir
