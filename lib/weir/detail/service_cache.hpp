#pragma once

#include <boost/asio/execution_context.hpp>

#include <atomic>
#include <cstdint>

namespace weir::detail {

/// Finds a context's service without Asio's lock and list, while a thread keeps asking for the
/// service of the same context, as runners do.
///
/// `Service` must call `service_cache<Service>::forget()` in its destructor.
///
/// Threads: safe from any thread. Each thread caches its own last answer.
template <class Service>
class service_cache {
public:
    static Service& of(boost::asio::execution_context& context)
    {
        const std::uint64_t now = gone_.load(std::memory_order_acquire);
        if (last_.context != &context || last_.gone != now) {
            Service& found = boost::asio::use_service<Service>(context);
            last_ = {&context, &found, now};
        }
        return *last_.service;
    }

    /// Every thread asks Asio again: a new context may get the address of the one that is gone.
    static void forget() noexcept { gone_.fetch_add(1, std::memory_order_release); }

private:
    struct answer {
        boost::asio::execution_context* context;
        Service* service;
        std::uint64_t gone;
    };

    static inline constinit thread_local answer last_{};
    static inline std::atomic<std::uint64_t> gone_{0};
};

} // namespace weir::detail
