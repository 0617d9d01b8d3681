#pragma once

#include <weir/http/fetcher.hpp>
#include <weir/run/cancel.hpp>
#include <weir/sync/semaphore.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::http::detail {

/// One URL on its way through a fetcher, and the rules for what becomes of it. No Asio, no waiting.
class fetch_item {
public:
    using fields = std::vector<std::pair<std::string, std::string>>;

    fetch_item(std::uint64_t id, std::string text, permit place);

    /// Fills `ask` and `key`, or `bad_url`.
    void read_url(const fields& headers);
    /// An exchange begins.
    void begin(time_point now, const fetcher::make_body& make);
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
