#pragma once

#include <weir/http/body.hpp>
#include <weir/http/error.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/http/fetcher_options.hpp>
#include <weir/http/hop.hpp>
#include <weir/http/request.hpp>
#include <weir/run/cancel.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/clock.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>

namespace weir::http::detail {

/// One URL on its way through a fetcher, and the rules for what becomes of it. No Asio, no waiting.
class fetch_item {
public:
    fetch_item(std::uint64_t id, std::string text, permit place);

    /// Fills `ask` and `key`, or `bad_url`.
    void read_url(const fetcher_options::fields& headers);
    /// An exchange begins.
    void begin(time_point now, const body_factory& make);
    /// Where the body goes. The item must outlive it.
    body_sink sink();

    /// What an exchange came to. True: it goes on at `key`, as a redirect told.
    bool record(hop h, cancel_reason why, const fetcher_options& options);

    /// The ends that are not an exchange's.
    void never_began();
    void stopped();
    void ended_without_value(weir::status how, std::exception_ptr error);

    fetch_result result;
    std::optional<request> ask;
    std::optional<failure> bad_url;
    std::string key;
    permit room;
    time_point taken;
    duration spent{}; // in exchanges; waiting for a place does not count
    bool begun = false;
    bool has_key = false;
    bool given_up = false; // abandoned: what still comes is nobody's

private:
    void add(response answer);
    void fail(weir::status how, error_class kind, std::string text);
};

} // namespace weir::http::detail
