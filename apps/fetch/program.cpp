#include "program.hpp"

#include "entry.hpp"
#include "escape.hpp"
#include "input.hpp"
#include "journal.hpp"
#include "limits.hpp"
#include "ordered.hpp"
#include "progress.hpp"
#include "query.hpp"
#include "record.hpp"
#include "recorder.hpp"
#include "report.hpp"
#include "resumption.hpp"
#include "settings.hpp"
#include "storage.hpp"

#include <weir/error.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/http/error.hpp>
#include <weir/http/fetch_counts.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/http/fetcher.hpp>
#include <weir/http/fetcher_options.hpp>
#include <weir/http/spill_options.hpp>
#include <weir/http/url.hpp>
#include <weir/run/signals.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace weir_fetch {
namespace {

namespace asio = boost::asio;
namespace http = weir::http;

constexpr auto redraw_every = std::chrono::milliseconds(200);
/// How long a reader may take nothing after all has been stopped.
constexpr auto patience_with_readers = std::chrono::seconds(5);

/// One run of the program, on one executor.
class program {
public:
    program(asio::io_context& context, const options& chosen);

    /// Reports errors of input and output in `code`, and does not throw them.
    asio::awaitable<void> run();
    exit_code code() const;
    void say_summary();

private:
    void count_error(const http::fetch_result& result);
    void set_deadline();
    http::fetcher_options fetcher_options();
    http::result<std::string> url_to_fetch(std::string_view text) const;
    void go_on_with_journal();
    asio::awaitable<std::optional<std::string>> next_entry();
    asio::awaitable<void> take(http::fetch_result result);
    asio::awaitable<void> put_in_order(ended& item);
    asio::awaitable<void> deliver(const ended& item);
    asio::awaitable<void> report_not_taken();
    asio::awaitable<void> keep_unread();
    asio::awaitable<void> end();

    void listen_for_hangup();
    void signalled();
    void finish_running(const std::string& why);
    void give_up();
    void begin_drain();
    void stop(const std::string& why);
    void watch_readers();
    void draw();
    http::fetch_counts counts() const;
    void say(const std::string& text);
    void complain(const std::string& text);

    const options& chosen_;
    asio::any_io_executor executor_;
    std::unique_ptr<input> input_;
    recorder recorder_;
    std::unique_ptr<resumption> resumption_;
    storage storage_;
    std::unique_ptr<ordered> ordered_; // null for results in the order in which they end
    http::fetcher fetcher_;
    weir::shutdown_signals signals_;
    asio::signal_set hangup_;
    progress progress_;
    weir::alarm redraw_;
    weir::alarm deadline_;
    weir::alarm drained_; // when what drains is stopped
    weir::alarm stalled_; // when nobody reads what is still printed
    tally tally_;
    std::uint64_t errors_ = 0;
    std::uint64_t taken_ = 0; // by readers, when that was last looked at
    weir::time_point started_;
    int interruptions_ = 0;
    bool late_ = false;
    bool draining_ = false;
    bool stopping_ = false;
    bool out_of_space_ = false; // for bodies
    bool given_up_ = false;
    bool input_failed_ = false;
};

weir::duration from_seconds(double seconds)
{
    return std::chrono::duration_cast<weir::duration>(std::chrono::duration<double>(seconds));
}

std::unique_ptr<input> open_input(const asio::any_io_executor& executor, const options& chosen)
{
    try {
        return std::make_unique<input>(executor, chosen.urls, chosen.input_file);
    } catch (const boost::system::system_error& e) {
        throw std::runtime_error("cannot read " + escaped(chosen.input_file) + ": " +
                                 e.code().message());
    }
}

program::program(asio::io_context& context, const options& chosen)
    : chosen_(chosen), executor_(context.get_executor()), input_(open_input(executor_, chosen)),
      recorder_(executor_, chosen), storage_(chosen),
      fetcher_(executor_, fetcher_options(),
               [this](const http::url& target) { return storage_.body_for(target); }),
      signals_(
          executor_, [this] { signalled(); }, [this] { signalled(); }),
      hangup_(executor_), progress_(STDERR_FILENO, !chosen.silent), started_(weir::now(executor_))
{
    if (std::signal(SIGHUP, SIG_DFL) == SIG_IGN) // nohup
        std::signal(SIGHUP, SIG_IGN);
    else
        hangup_.add(SIGHUP);
    if (recorder_.results() != nullptr)
        go_on_with_journal();
    if (target_of(chosen) == body_target::stream)
        ordered_ = std::make_unique<ordered>(executor_, 2 * chosen.jobs);
}

/// Joins the journal with the input and the storage.
void program::go_on_with_journal()
{
    journal& results = *recorder_.results();
    if (!results.is_empty()) {
        resumption_ = std::make_unique<resumption>(results, chosen_.results);
        resumption_->check(*input_);
        input_->leave_out([this](const place& at, std::string_view text) {
            try {
                const bool is_done = resumption_->is_done(at, text);
                if (is_done)
                    tally_.add_done_before();
                return is_done;
            } catch (const input_fault&) {
                recorder_.not_done(text);
                throw;
            }
        });
    }
    if (storage_.has_files() && resumption_ && results.stored() == 0)
        std::fprintf(stderr,
                     "weir-fetch: none of the results in %s has a stored body, and what is done is "
                     "not fetched again: for the bodies, give another --results FILE\n",
                     escaped(chosen_.results).c_str());
    storage_.join(results);
}

http::fetcher_options program::fetcher_options()
{
    auto all = fetcher_options_for(chosen_);
    auto spill = all.spill();
    spill.on_full([this](weir::error_code why) {
        say("no more URLs are read for now: those of slow hosts cannot be stored (--spill-dir): " +
            why.message());
    });
    return all.spill(spill).url_in([this](std::string_view text) { return url_to_fetch(text); });
}

/// The URL in a text of the source, as it is asked for.
http::result<std::string> program::url_to_fetch(std::string_view text) const
{
    auto url = url_in(text);
    if (!url)
        return url;
    if (!chosen_.query.empty())
        url = with_query(*url, chosen_.query);
    if (chosen_.skip_existing)
        if (auto reason = storage_.reason_to_skip(*url))
            return std::move(*reason);
    return url;
}

asio::awaitable<void> program::run()
{
    draw();
    set_deadline();
    listen_for_hangup();
    const auto source = [this] { return next_entry(); };
    const auto sink = [this](http::fetch_result result) -> asio::awaitable<void> {
        return take(std::move(result));
    };
    try {
        co_await fetcher_.run(source, sink);
        co_await report_not_taken();
    } catch (const input_fault& e) {
        complain(e.what()); // of arguments
    } catch (const boost::system::system_error& e) {
        complain("cannot read the URLs: " + e.code().message());
    } catch (const std::exception& e) {
        complain(std::string("cannot read the URLs: ") + e.what());
    }
    co_await end();
}

/// A fault of the input ends it, and what was read before is not begun any more.
asio::awaitable<std::optional<std::string>> program::next_entry()
{
    std::optional<std::string> text;
    if (ordered_)
        co_await ordered_->enter();
    try {
        text = co_await input_->next();
        if (!text && resumption_)
            resumption_->check_end();
    } catch (const input_fault& e) {
        complain(e.what());
        fetcher_.finish_running();
    }
    if (ordered_ && !text)
        ordered_->leave();
    co_return text;
}

/// After a signal, reports the rest of the command line. Lines of a file that were never read are
/// not reported.
asio::awaitable<void> program::report_not_taken()
{
    while (auto url = input_->next_argument()) {
        http::fetch_result result;
        result.url = std::move(*url);
        result.status = weir::status::dropped;
        result.answer.error =
            http::failure(http::error_class::aborted, "not begun: the run was stopped");
        co_await take(std::move(result));
    }
}

/// Passes on what was not read of the input. Of a pipe that stays open, what comes until the drain
/// must be over.
asio::awaitable<void> program::keep_unread()
{
    bool as_it_is = !resumption_; // otherwise, lines that were done are among them
    for (bool more = true; more;) {
        std::string part;
        try {
            if (as_it_is) {
                part = co_await input_->next_unread();
                recorder_.not_read(part);
                more = !part.empty();
                continue;
            }
            auto next = co_await input_->next();
            more = next.has_value();
            if (more)
                part = std::move(*next);
        } catch (const input_fault&) {
            as_it_is = true;
            continue;
        } catch (const std::exception& e) {
            if (!stopping_)
                complain(std::string("cannot read the rest of the URLs: ") + e.what());
            co_return;
        }
        if (more)
            recorder_.not_done(read_entry(part).text);
    }
}

asio::awaitable<void> program::end()
{
    while (auto item = ordered_ ? ordered_->next_of_rest() : std::nullopt)
        co_await deliver(*item);
    if (recorder_.keeps_remaining()) {
        co_await keep_unread();
        if (resumption_)
            for (const std::string& text : resumption_->take_not_done())
                recorder_.not_done(text);
    }
    co_await recorder_.finish();
    redraw_.cancel();
    deadline_.cancel();
    drained_.cancel();
    stalled_.cancel();
    progress_.clear();
    signals_.ignore();
    hangup_.cancel();
}

exit_code program::code() const
{
    if (recorder_.cannot_write() || storage_.disk_is_full())
        return exit_cannot_write;
    if (interruptions_ != 0 || recorder_.reader_has_gone())
        return exit_interrupted;
    if (late_)
        return exit_deadline;
    if (input_failed_)
        return exit_usage;
    return tally_.some_failed() ? exit_some_failed : exit_ok;
}

asio::awaitable<void> program::take(http::fetch_result result)
{
    entry what = read_entry(result.url);
    if (auto there = storage_.skipped(result)) {
        tally_.add_skipped();
        ended item{std::move(result), std::move(what), std::move(*there)};
        co_await put_in_order(item);
        co_return;
    }
    auto& error = result.answer.error;
    if (error && error->kind() == http::error_class::aborted && what.is_cut)
        error = http::failure(http::error_class::bad_url, what.fault); // its text is not whole
    if (error && error->kind() == http::error_class::bad_url)
        error = http::failure(http::error_class::bad_url, what.at.text() + ": " + error->text());
    stored where = storage_.finish(result, recorder_.can_record());
    tally_.add(result);
    count_error(result);
    if (storage_.disk_is_full() && !std::exchange(out_of_space_, true))
        finish_running("stopping: the disk is full; finishing the running fetches");
    ended item{std::move(result), std::move(what), std::move(where)};
    co_await put_in_order(item);
}

asio::awaitable<void> program::put_in_order(ended& item)
{
    if (!ordered_ || item.result.id == 0) {
        co_await deliver(item);
        co_return;
    }
    ordered_->add(std::move(item));
    while (auto next = ordered_->next())
        co_await deliver(*next);
}

asio::awaitable<void> program::deliver(const ended& item)
{
    progress_.clear();
    co_await recorder_.add(item.result, item.what, item.where);
    if (fetcher_.results_ready() == 0)
        co_await recorder_.flush();
    if (recorder_.is_broken())
        give_up();
}

void program::listen_for_hangup()
{
    hangup_.async_wait([this](const boost::system::error_code& error, int) {
        if (error)
            return;
        signalled();
        listen_for_hangup();
    });
}

/// The first signal drains, the second stops, the third ends the program.
void program::signalled()
{
    if (++interruptions_ == 1)
        return finish_running(
            "stopping: finishing the running fetches; a second signal stops them at once");
    if (interruptions_ > 2)
        std::_Exit(exit_interrupted);
    if (stopping_)
        return recorder_.stop_waiting();
    stop("stopping at once");
}

/// `--max-errors`: URLs that were not begun do not count.
void program::count_error(const http::fetch_result& result)
{
    const auto& error = result.answer.error;
    if (!error || error->kind() == http::error_class::aborted || ++errors_ != chosen_.max_errors)
        return;
    finish_running("stopping after " + std::to_string(errors_) +
                   " errors: finishing the running fetches");
}

/// `--deadline`: as at the first signal.
void program::set_deadline()
{
    if (!chosen_.deadline)
        return;
    deadline_ = weir::alarm(executor_, started_ + from_seconds(*chosen_.deadline), [this] {
        late_ = true;
        finish_running("stopping at the deadline: finishing the running fetches");
    });
}

/// Begins no more URLs.
void program::finish_running(const std::string& why)
{
    say(why);
    fetcher_.finish_running();
    begin_drain();
}

/// From now on, the program ends by the drain timeout. Another reason does not prolong it.
void program::begin_drain()
{
    if (std::exchange(draining_, true))
        return;
    drained_ = weir::alarm(executor_, weir::now(executor_) + from_seconds(chosen_.drain_timeout),
                           [this] { stop("stopping at once: --drain-timeout is over"); });
}

/// Fetches no more, because results cannot be written.
void program::give_up()
{
    if (std::exchange(given_up_, true))
        return;
    fetcher_.stop();
    begin_drain();
}

void program::stop(const std::string& why)
{
    if (std::exchange(stopping_, true))
        return;
    say(why);
    fetcher_.stop();
    input_->stop_waiting();
    watch_readers();
}

/// What is still printed must not wait for ever.
void program::watch_readers()
{
    taken_ = recorder_.taken();
    stalled_ = weir::alarm(executor_, weir::now(executor_) + patience_with_readers, [this] {
        if (recorder_.taken() == taken_)
            recorder_.stop_waiting();
        else
            watch_readers();
    });
}

void program::draw()
{
    if (!progress_.is_shown())
        return;
    const auto now = weir::now(executor_);
    progress_.show(counts(), now - started_);
    redraw_ = weir::alarm(executor_, now + redraw_every, [this] { draw(); });
}

/// For the fetcher, what is skipped is a failure.
http::fetch_counts program::counts() const
{
    http::fetch_counts all = fetcher_.counts();
    all.failed -= tally_.skipped();
    all.ok += tally_.skipped();
    return all;
}

void program::say(const std::string& text)
{
    progress_.clear();
    if (!chosen_.silent)
        std::fprintf(stderr, "weir-fetch: %s\n", text.c_str());
}

/// Says what is wrong with the input, also when silent.
void program::complain(const std::string& text)
{
    input_failed_ = true;
    progress_.clear();
    std::fprintf(stderr, "weir-fetch: %s\n", text.c_str());
}

void program::say_summary()
{
    const auto took = weir::now(executor_) - started_;
    say(tally_.summary(took, fetcher_.counts().peak));
}

/// Bodies in order: as many are held as are running.
std::size_t descriptors_for_a_job(const options& chosen)
{
    switch (target_of(chosen)) {
    case body_target::directory:
    case body_target::file:
        return 2;
    case body_target::stream:
        return 3;
    default:
        return 1;
    }
}

options within_limits(options chosen)
{
    const auto descriptors = raise_descriptor_limit();
    const auto jobs = jobs_for(descriptors, descriptors_for_a_job(chosen), chosen.jobs);
    if (jobs < chosen.jobs) {
        std::fprintf(
            stderr, "weir-fetch: --jobs %zu is more than the limit of %zu open files allows: %zu\n",
            chosen.jobs, descriptors, jobs);
        chosen.jobs = jobs;
    }
    return chosen;
}

} // namespace

exit_code run(const options& chosen)
{
    // A reader that has gone, and a limit of file sizes, are errors of the write.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    const options bounded = within_limits(chosen);
    asio::io_context context(1);
    program all(context, bounded);
    std::exception_ptr error;
    asio::co_spawn(context, all.run(), [&error](std::exception_ptr e) { error = std::move(e); });
    context.run();
    if (error)
        std::rethrow_exception(error);
    all.say_summary();
    const exit_code code = all.code();
    if (code == exit_interrupted) {
        // A look-up that hangs cannot be interrupted, and its thread would be waited for.
        std::fflush(nullptr);
        std::_Exit(code);
    }
    return code;
}

} // namespace weir_fetch
