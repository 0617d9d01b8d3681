#pragma once

#include <weir/flow/outcome.hpp>
#include <weir/http/body.hpp>
#include <weir/http/error.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/http/fetcher_options.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/policy/schedule.hpp>
#include <weir/run/cancel.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/clock.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

namespace weir::http::detail {

/// One URL on its way through a fetcher, and the rules for its result. It never waits and reads no
/// clock.
class fetch_item {
public:
    fetch_item(std::uint64_t id, std::string text, permit room);

    /// Parses the URL: fills `ask` and `key`, or `bad_url`.
    void read_url(const fetcher_options& options);
    /// To be called when an exchange begins. A failure of the factory is a failure to store.
    std::optional<failure> begin(time_point now, const body_factory& bodies);
    /// Passes the body to `result.content`. The item must outlive it.
    body_sink sink();

    /// Takes what an exchange gave. True when a redirect leads on: then the item needs a place for
    /// `key` again.
    bool record(hop h, cancel_reason why, const fetcher_options& options);

    /// Ends it before its first exchange began.
    void never_began();
    /// Ends it because the run is stopped.
    void stopped();
    /// Ends it when its job gave no value. The job may still run, and is ignored from now on.
    void ended_without_value(weir::status how, std::exception_ptr error);

    fetch_result result;
    std::optional<request> ask;
    std::optional<failure> bad_url;
    std::string key; // the origin; empty for a bad URL
    permit room;     // kept until the result is taken
    time_point taken;
    duration spent{}; // in exchanges; waiting for a place does not count
    schedule<std::string, std::shared_ptr<fetch_item>>::place place; // while it is fetched
    bool begun = false;
    bool abandoned = false;

private:
    void add(response answer);
    void fail(weir::status how, error_class kind, std::string text);
};

} // namespace weir::http::detail
