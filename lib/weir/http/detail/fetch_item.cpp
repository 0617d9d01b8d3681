#include <weir/http/detail/fetch_item.hpp>

#include <weir/http/detail/attempt_log.hpp>
#include <weir/http/detail/fetch_retry.hpp>
#include <weir/http/detail/status_name.hpp>
#include <weir/http/headers.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/error.hpp>

#include <array>
#include <chrono>
#include <string_view>
#include <utility>

namespace weir::http::detail {
namespace {

/// Whether a field describes the answer wanted, or the body sent, and nothing about the user.
bool may_go_anywhere(std::string_view name)
{
    static constexpr std::array<std::string_view, 12> names = {
        "Accept",       "Accept-Language", "Accept-Encoding",   "User-Agent",
        "Pragma",       "Cache-Control",   "Connection",        "DNT",
        "Content-Type", "Range",           "If-Modified-Since", "If-Unmodified-Since"};
    for (const auto each : names)
        if (same_token(each, name))
            return true;
    return false;
}

std::string status_text(unsigned status)
{
    const std::string_view name = status_name(status);
    std::string text = "the server answered " + std::to_string(status);
    if (!name.empty())
        text.append(" ").append(name);
    return text;
}

std::string seconds(duration length)
{
    auto text = std::to_string(std::chrono::duration<double>(length).count());
    text.resize(text.find('.') + 4);
    return text + " s";
}

} // namespace

result<url> target_of(std::string_view text, const fetcher_options& options)
{
    if (!options.url_in())
        return url::parse(text, options.dots());
    const auto found = options.url_in()(text);
    if (!found)
        return found.error();
    return url::parse(*found, options.dots());
}

fetch_item::fetch_item(waiting_url url) : taken(url.taken)
{
    result.id = url.id;
    result.url = std::move(url.text);
}

waiting_url fetch_item::waiting() const
{
    waiting_url url;
    url.id = result.id;
    url.taken = taken;
    url.text = result.url;
    return url;
}

void fetch_item::read_url(const fetcher_options& options)
{
    if (!begins)
        return; // it was redirected
    ask.reset();
    auto target = target_of(result.url, options);
    if (!target) {
        bad_url = target.error();
        return;
    }
    ask.emplace(std::move(*target), options.method());
    ask->body(options.body());
    for (const auto& name : options.without())
        ask->without(name);
    for (const auto& [name, value] : options.headers()) {
        if (may_go_anywhere(name))
            ask->header(name, value);
        else
            ask->secret_header(name, value);
    }
    result.final_url = ask->target().str();
}

std::optional<failure> fetch_item::begin(time_point now, const body_factory& bodies)
{
    if (!std::exchange(begins, false))
        return std::nullopt;
    if (!was_tried()) {
        result.queue_wait = now - taken;
        first_begun = now;
    }
    ++result.attempts;
    result.redirects = 0;
    spent = duration::zero();
    is_heard = false;
    if (!ask || !bodies)
        return std::nullopt;
    try {
        result.content = bodies(ask->target());
        return std::nullopt;
    } catch (const std::exception& e) {
        return failure(error_class::io, "the body cannot be stored: " + std::string(e.what()));
    }
}

error_code fetch_item::write(std::string_view part)
{
    if (abandoned)
        return boost::asio::error::operation_aborted;
    return result.content ? result.content->write(part) : error_code();
}

fetch_item::then fetch_item::record(hop h, cancel_reason why, const fetcher_options& options)
{
    const bool redirected = h.next.has_value();
    add(std::move(h.answer));
    auto& answer = result.answer;
    if (answer.error && answer.error->kind() == error_class::aborted) {
        if (why == cancel_reason::none || why == cancel_reason::deadline)
            fail(weir::status::timed_out, error_class::timeout,
                 "not done within " + seconds(options.timeout()) + ", " +
                     std::to_string(answer.bytes) + " bytes of body arrived");
        else
            stopped();
        return then::failed;
    }
    if (redirected && result.redirects == options.client().max_redirects()) {
        fail(weir::status::failed, error_class::redirect,
             "more than " + std::to_string(result.redirects) + " redirects");
        return then::failed;
    }
    if (redirected) {
        ++result.redirects;
        ask = std::move(h.next);
        if (first_key.empty())
            first_key = key;
        key = ask->target().origin();
        result.final_url = ask->target().str();
        return then::redirected;
    }
    if (answer.error)
        result.status = answer.error->kind() == error_class::timeout ? weir::status::timed_out
                                                                     : weir::status::failed;
    else if (answer.status >= 400)
        fail(weir::status::failed, error_class::http, status_text(answer.status));
    else
        result.status = weir::status::ok; // an earlier attempt may have failed
    return answer.error ? then::failed : then::done;
}

std::optional<time_point> fetch_item::next_attempt(const fetcher_options& options,
                                                   time_point not_before, time_point now) const
{
    if (abandoned || !is_worth_another(result.answer, options.method(), options.retry_when()))
        return std::nullopt;
    const time_point deadline = options.retry_time() == duration::max()
                                    ? time_point::max()
                                    : saturating_add(first_begun, options.retry_time());
    return options.retry().next(result.attempts, boost::asio::error::try_again, now, deadline,
                                not_before);
}

void fetch_item::wait_until(time_point at)
{
    due = at;
    begins = true;
    result.content.reset();
    auto& tried = result.answer.attempts;
    if (result.answer.error->kind() == error_class::http && !tried.empty() && !tried.back().error)
        tried.back().error = result.answer.error;
    if (!first_key.empty()) // it begins where it began
        key = first_key;
}

void fetch_item::take_back(time_point now)
{
    due = now;
    begins = true;
    result.content.reset();
    --result.attempts;
    stop = cancel_source();
}

/// Times add up over redirects, without the waits between them, and attempts too; everything else
/// is that of the last exchange.
void fetch_item::add(response answer)
{
    const timings before = result.answer.timings;
    auto attempts = std::move(result.answer.attempts);
    append(attempts, std::move(answer.attempts), before.total);
    result.answer = std::move(answer);
    result.answer.attempts = std::move(attempts);
    timings& sum = result.answer.timings;
    sum.dns += before.dns;
    sum.connect += before.connect;
    sum.tls += before.tls;
    sum.first_byte += before.total;
    sum.total += before.total;
}

void fetch_item::never_began()
{
    fail(weir::status::dropped, error_class::aborted, "not begun: the run was stopped");
}

void fetch_item::stopped()
{
    fail(weir::status::cancelled, error_class::aborted, "stopped before the end");
}

void fetch_item::end_queued()
{
    if (!was_tried())
        never_began();
    else if (!begins)
        stopped();
}

void fetch_item::give_up(fetch_pause::refusal why, duration again_in)
{
    given_up = true;
    if (result.answer.error)
        return;
    const std::string text =
        "not asked: " + key +
        (why == fetch_pause::refusal::wish ? " wants to be left alone"
                                           : " has failed to answer too often");
    fail(weir::status::failed, error_class::given_up,
         text + "; it is asked again in " + seconds(again_in));
}

void fetch_item::ended_without_value(weir::status how, std::exception_ptr error)
{
    abandoned = true;
    if (how == weir::status::dropped)
        return end_queued();
    if (how == weir::status::abandoned)
        return fail(how, error_class::timeout, "did not end after its timeout; abandoned");
    std::string text = "ended without a result";
    try {
        if (error)
            std::rethrow_exception(error);
    } catch (const std::exception& e) {
        text = e.what();
    } catch (...) {
        text = "an unknown exception";
    }
    if (how == weir::status::cancelled)
        return stopped();
    fail(how, how == weir::status::timed_out ? error_class::timeout : error_class::internal, text);
}

void fetch_item::fail(weir::status how, error_class kind, std::string text)
{
    result.status = how;
    result.answer.error = failure(kind, std::move(text));
}

} // namespace weir::http::detail
