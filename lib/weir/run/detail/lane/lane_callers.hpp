#pragma once

#include <boost/asio/execution_context.hpp>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

namespace weir::detail {

/// The callers of lanes whose handlers belong to one execution context: counts the threads that
/// work for them. While such a thread posts to the context, or runs a callable that uses what a
/// coroutine there holds, the context must not go, so its destructor waits.
class lane_callers {
public:
    static std::shared_ptr<lane_callers> of(boost::asio::execution_context& context);

    /// A thread begins, or ends, to work for one of them. The context may be gone when `leave`
    /// returns.
    void enter() noexcept;
    void leave() noexcept;
    void wait_until_left();

    /// Whether the present thread runs a callable for one of them, and so cannot wait for itself.
    bool called_here() const noexcept;

    /// Marks the present thread as running a callable for these callers.
    class calling {
    public:
        explicit calling(const lane_callers& callers) noexcept;
        calling(const calling&) = delete;
        calling& operator=(const calling&) = delete;
        ~calling();

    private:
        const lane_callers* const outer_; // a callable may run another one
    };

private:
    std::mutex mutex_;
    std::condition_variable left_;
    std::size_t inside_ = 0;
};

} // namespace weir::detail
