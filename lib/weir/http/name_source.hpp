#pragma once

#include <weir/duration.hpp>
#include <weir/error.hpp>

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace weir::http {

enum class address_family { v4, v6 };

using addresses = std::vector<boost::asio::ip::address>;

/// What a look-up found: at least one address, or an error.
struct name_answer {
    name_answer() {} // no aggregate: g++ 12 destroys those twice beside co_await
    name_answer(addresses a, duration t) : found(std::move(a)), ttl(t) {}
    explicit name_answer(error_code e) : error(e) {}

    /// `asio::error::host_not_found`: there is no such name. `no_data`: it has no address of this
    /// family. Anything else: it is not known.
    error_code error;
    addresses found;
    duration ttl{};
};

/// Where names are looked up: behind it are name servers, the system's resolver, or a test.
///
/// Threads: one serial executor.
/// Lifetime: no answer is given after the source was destroyed, nor when its context is gone.
class name_source {
public:
    using ticket = std::uint64_t;
    using then = std::function<void(name_answer)>;

    name_source() = default;
    name_source(const name_source&) = delete;
    name_source& operator=(const name_source&) = delete;
    virtual ~name_source() = default;

    /// Starts a look-up. `told` is called once, later, never inside this call.
    virtual ticket ask(const std::string& name, address_family which, then told) = 0;
    /// This answer is not needed any more: it is not given, and the look-up keeps no context
    /// from running out of work. Does nothing for one that was answered.
    virtual void abandon(ticket asked) noexcept = 0;
};

} // namespace weir::http
