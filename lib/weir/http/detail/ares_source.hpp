#pragma once

#include <weir/http/name_source.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <vector>

namespace weir::http::detail {

/// Asks name servers by c-ares, without a thread. A silent server holds up nothing but the names
/// that it was asked for: any number of look-ups are under way at a time. Local names are answered
/// without c-ares (see `local_names`).
///
/// Shape: a query goes out three times, each time to the next server if there are several; it is
///        waited for 1, 2 and 4 s. TTL is the least in the answer.
/// Threads: one serial executor.
/// Lifetime: may outlive its context, which ends all look-ups.
/// Memory: c-ares cannot end a single look-up. One that was abandoned goes on, until it ends by
///         itself or none has a waiter.
class ares_source final : public name_source {
public:
    /// No servers are those of resolv.conf. Each is one that `parse_name_server` reads.
    ares_source(const boost::asio::any_io_executor& executor,
                const std::vector<std::string>& servers);
    ~ares_source() override;

    ticket ask(const std::string& name, address_family which, then told) override;
    void abandon(ticket asked) noexcept override;

private:
    class driver;
    std::shared_ptr<driver> driver_;
};

} // namespace weir::http::detail
