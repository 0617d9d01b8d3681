#pragma once

#include <weir/http/name_source.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace weir::http::detail {

/// Asks the system's resolver, getaddrinfo, which knows of more than DNS but blocks: on threads of
/// its own.
///
/// Units: an answer is good for a minute, because getaddrinfo does not say how long it is.
/// Threads: one serial executor.
/// Lifetime: may outlive its context. Neither waits for a look-up that runs: its thread ends by
///           itself, later.
/// Fairness: first come, first served.
/// Memory: at most `max_threads` threads, started when needed.
class system_source final : public name_source {
public:
    static constexpr std::size_t max_threads = 8;
    /// Called on a thread of the source. A test has its own.
    using look_up = name_answer (*)(const std::string& name, address_family which);
    static name_answer by_getaddrinfo(const std::string& name, address_family which);

    explicit system_source(const boost::asio::any_io_executor& executor,
                           look_up how = &by_getaddrinfo);
    ~system_source() override;

    ticket ask(const std::string& name, address_family which, then told) override;
    void abandon(ticket asked) noexcept override;

private:
    class lane;
    std::shared_ptr<lane> lane_;
};

} // namespace weir::http::detail
