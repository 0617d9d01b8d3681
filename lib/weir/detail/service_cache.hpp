#pragma once

#include <boost/asio/execution_context.hpp>

#include <atomic>
#include <cstdint>

namespace weir::detail {

/// Finds a context's service of one type without Asio's lock and list, as long as a thread asks for
/// that of the same context again and again, which is what runners do.
///
/// `Service` says when one of it is gone: it calls `service_cache<Service>::forget()` in its
/// destructor.
/// Threads: any; each has its own memory of the last answer.
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

    /// Every thread asks anew: another context may come to stand where that of this service stood.
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
