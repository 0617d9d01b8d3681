#include <weir/http/detail/fetch_item.hpp>

#include <weir/http/detail/attempt_log.hpp>
#include <weir/http/detail/call.hpp>
#include <weir/http/detail/duration_text.hpp>
#include <weir/http/detail/fetch_retry.hpp>
#include <weir/http/detail/status_name.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace weir::http::detail {
namespace {

std::string status_text(unsigned status)
{
    const std::string_view name = status_name(status);
    std::string text = "the server answered " + std::to_string(status);
    if (!name.empty())
        text.append(" ").append(name);
    return text;
}

unsigned most_redirects(const request& ask, const fetcher_options& options)
{
    return ask.options().max_redirects().value_or(options.client().max_redirects());
}

} // namespace

result<std::string> url_in(std::string text, const fetcher_options& options)
{
    if (options.url_in())
        return options.url_in()(text);
    return text;
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
    const auto text = url_in(result.url, options);
    const auto target = text ? url::parse(*text, options.dots()) : http::result<url>(text.error());
    if (!target) {
        bad_url = target.error();
        return;
    }
    auto made = options.request_in() ? options.request_in()(result.url, *target)
                                     : http::result<request>(options.requests().for_url(*target));
    if (!made) {
        bad_url = made.error();
        return;
    }
    ask.emplace(std::move(*made));
    first_method = ask->method();
    result.final_url = ask->target().str();
    if (options.watcher())
        watcher = options.watcher()(result.url);
}

std::optional<failure> fetch_item::begin(time_point now, const content_factory& contents)
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
    acted = false;
    if (!ask || !contents)
        return std::nullopt;
    try {
        result.content = contents(result.url, ask->target());
        if (result.content)
            result.content->ask(*ask);
        return std::nullopt;
    } catch (const std::exception& e) {
        return failure(error_class::io, "the body cannot be stored: " + std::string(e.what()));
    }
}

std::optional<failure> fetch_item::head(const response& answer)
{
    return result.content && !abandoned ? result.content->begin(*ask, answer) : std::nullopt;
}

bool fetch_item::asks_again(const hop& made)
{
    if (abandoned || made.next || !result.content || !result.content->asks_again())
        return false;
    result.content->ask(*ask);
    return true;
}

error_code fetch_item::write(std::string_view part)
{
    if (abandoned)
        return boost::asio::error::operation_aborted;
    return result.content ? result.content->write(part) : error_code();
}

void fetch_item::cancel_exchange() const
{
    if (const auto running = exchange.lock())
        running->cancel();
}

fetch_item::then fetch_item::record(hop h, cancel_reason why, const fetcher_options& options)
{
    const bool goes_on = h.next.has_value();
    const bool redirected = h.is_redirect();
    add(std::move(h.answer));
    if (acted)
        result.answer.processed = processed::yes;
    auto& answer = result.answer;
    if (answer.error && answer.error->kind() == error_class::aborted) {
        if (why == cancel_reason::none || why == cancel_reason::deadline)
            fail(weir::status::timed_out, error_class::timeout,
                 "not done within " + text_of(options.timeout()) + ", " +
                     std::to_string(answer.bytes) + " bytes of body arrived");
        else
            stopped();
        return then::failed;
    }
    if (redirected && result.redirects == most_redirects(*ask, options)) {
        fail(weir::status::failed, error_class::redirect,
             "more than " + std::to_string(result.redirects) + " redirects");
        return then::failed;
    }
    if (goes_on && !redirected) {
        ask = std::move(h.next);
        return then::redirected;
    }
    if (redirected) {
        ++result.redirects;
        acted = acted || ask->method() != h.next->method();
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

std::optional<time_point> fetch_item::next_after_refusal(const fetcher_options& options,
                                                         std::uint64_t accepted,
                                                         time_point not_before, time_point now)
{
    const bool counts = accepted == accepted_before || options.retry().attempts() == 1;
    accepted_before = accepted;
    if (counts || !may_be_made_again(options))
        return next_attempt(options, not_before, now);
    ++excused;
    const time_point at = std::max(now, not_before);
    return at < last_begin(options) ? std::optional(at) : std::nullopt;
}

bool fetch_item::may_be_made_again(const fetcher_options& options) const
{
    // A redirect may have changed it since.
    const std::string& method = first_method.empty() ? options.method() : first_method;
    return !abandoned && is_worth_another(result.answer, method, options.retry_when());
}

/// When no attempt begins any more.
time_point fetch_item::last_begin(const fetcher_options& options) const
{
    return options.retry_time() == duration::max()
               ? time_point::max()
               : saturating_add(first_begun, options.retry_time());
}

std::optional<time_point> fetch_item::next_attempt(const fetcher_options& options,
                                                   time_point not_before, time_point now) const
{
    if (!may_be_made_again(options))
        return std::nullopt;
    return options.retry().next(result.attempts - excused, boost::asio::error::try_again, now,
                                last_begin(options), not_before);
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

void fetch_item::may_not_wait(duration pause)
{
    auto& error = result.answer.error;
    if (error)
        error = failure(error->kind(),
                        std::string(error->text()) + "; it may be asked again in " +
                            text_of(pause) + ", which is too long to wait",
                        error->code());
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
         text + "; it is asked again in " + text_of(again_in));
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
