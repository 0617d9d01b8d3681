#pragma once

#include <weir/flow/outcome.hpp>
#include <weir/http/body.hpp>
#include <weir/http/response.hpp>
#include <weir/time/clock.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace weir::http {

/// How the fetch of one URL ended.
struct fetch_result {
    /// Counts from 1, in the order in which the URLs were taken in.
    std::uint64_t id = 0;
    /// The text as the source gave it.
    std::string url;
    /// The URL of the last request, after redirects; empty for a text that is not a URL.
    std::string final_url;
    weir::status status = weir::status::ok;
    /// The last exchange; its times are sums over the redirects and the attempts, without the waits
    /// between them. `error` is also set for status 400 and above, with class `http`. In
    /// `answer.attempts`, an answer for which the URL was fetched again has that error as well.
    response answer;
    /// Those of the last attempt.
    unsigned redirects = 0;
    /// How often the URL was begun: 0 when it never was, more than 1 after a retry.
    unsigned attempts = 0;
    /// From the moment the URL was taken in until its fetch began.
    duration queue_wait{};
    /// The object that `fetcher_options::content`, or else the `body_factory`, made for the last
    /// attempt; null when the fetch never began, or ended while it waited for its next attempt.
    std::shared_ptr<body> content;
};

} // namespace weir::http
