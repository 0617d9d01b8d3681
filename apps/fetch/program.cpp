#include "program.hpp"

#include "duplicates.hpp"
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
#include "requests.hpp"
#include "resumption.hpp"
#include "settings.hpp"
#include "stop_rules.hpp"
#include "storage.hpp"
#include "watchers.hpp"
#include "whole_lines.hpp"

#include <weir/error.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/http/error.hpp>
#include <weir/http/fetch_counts.hpp>
#include <weir/http/fetch_result.hpp>
#include <weir/http/fetcher.hpp>
#include <weir/http/fetcher_options.hpp>
#include <weir/http/request.hpp>
#include <weir/http/spill_options.hpp>
#include <weir/http/url.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/run/runner_pool_options.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir_fetch {
namespace {

namespace asio = boost::asio;
namespace http = weir::http;

constexpr auto redraw_every = std::chrono::milliseconds(200);

/// One run of the program, on one executor.
class program {
public:
    program(asio::any_io_executor executor, const options& chosen);

    /// Reports errors of input and output in `code`, and does not throw them.
    asio::awaitable<void> run();
    exit_code code() const;
    void say_summary();

private:
    http::fetcher_options fetcher_options();
    http::result<std::string> url_to_fetch(std::string_view text);
    void go_on_with_journal();
    void look_for_lists() const;
    asio::awaitable<std::optional<std::string>> next_entry();
    asio::awaitable<void> take(http::fetch_result result);
    asio::awaitable<void> put_in_order(ended& item);
    asio::awaitable<void> deliver(const ended& item);
    asio::awaitable<void> report_not_taken();
    asio::awaitable<void> keep_unread();
    asio::awaitable<void> end();

    void draw();
    void show_progress();
    standing stands() const;
    void say(const std::string& text);
    void complain(const std::string& text);
    void tell(const std::string& text);

    const options& chosen_;
    asio::any_io_executor executor_;
    std::unique_ptr<input> input_;
    recorder recorder_;
    std::unique_ptr<resumption> resumption_;
    std::unique_ptr<duplicates> duplicates_; // null without --dedupe
    storage storage_;
    progress progress_;
    watchers watchers_;
    std::unique_ptr<ordered> ordered_; // null for results in the order in which they end
    requests requests_;
    http::fetcher fetcher_;
    stop_rules rules_;
    const bool prints_beside_progress_;
    weir::alarm redraw_;
    tally tally_;
    weir::time_point started_;
    bool out_of_space_ = false; // for bodies
    bool input_failed_ = false;
};

/// Results, that is. A format may ask for standard error.
bool may_print_on_terminal(const options& chosen)
{
    return ::isatty(STDOUT_FILENO) == 1 || target_of(chosen) == body_target::stream ||
           chosen.write_out.has_value();
}

program::program(asio::any_io_executor executor, const options& chosen)
    : chosen_(chosen), executor_(std::move(executor)),
      input_(open_input(executor_, chosen.urls, chosen.input_file)), recorder_(executor_, chosen),
      storage_(chosen), progress_(STDERR_FILENO, !chosen.silent && !chosen.verbose),
      watchers_(executor_, chosen, [this] { progress_.clear(); }), requests_(chosen),
      fetcher_(executor_, fetcher_options(), nullptr),
      rules_(executor_, chosen, fetcher_, *input_, recorder_,
             [this](const std::string& why) { say(why); }),
      prints_beside_progress_(may_print_on_terminal(chosen)), started_(weir::now(executor_))
{
    if (chosen.dedupe)
        duplicates_ = std::make_unique<duplicates>(chosen);
    if (recorder_.results() != nullptr)
        go_on_with_journal();
    const bool prints_bodies = target_of(chosen) == body_target::stream;
    if (prints_bodies || chosen.ordered)
        ordered_ =
            std::make_unique<ordered>(executor_, ordered::window_for(chosen.jobs, prints_bodies));
    if (!chosen.silent)
        look_for_lists();
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
                if (is_done && duplicates_) // of those that come later
                    (void)duplicates_->first_of(read_entry(tagged(at, text, false)));
                return is_done;
            } catch (const input_fault&) {
                recorder_.not_done(text);
                throw;
            }
        });
    }
    const bool has_done = results.done(place::source::line).size() != 0 ||
                          results.done(place::source::argument).size() != 0;
    if (storage_.has_files() && has_done && results.stored() == 0)
        std::fprintf(stderr,
                     "weir-fetch: none of the results in %s has a stored body, and what is done is "
                     "not fetched again: for the bodies, give another --results FILE\n",
                     escaped(chosen_.results).c_str());
    if (results.missing() != 0)
        std::fprintf(stderr,
                     "weir-fetch: of the %llu bodies that %s says are stored, %llu are not there "
                     "any more, and what is done is not fetched again: for those bodies, give "
                     "another --results FILE\n",
                     static_cast<unsigned long long>(results.stored()),
                     escaped(chosen_.results).c_str(),
                     static_cast<unsigned long long>(results.missing()));
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
    if (watchers_.are_wanted())
        all.watcher([this](std::string_view text) { return watchers_.make(text); });
    all.request_in([this](std::string_view text, const http::url& target) {
        return http::result<http::request>(requests_.request_for(target, own_request(text)));
    });
    all.content([this](std::string_view text, const http::url& target) {
        return storage_.body_for(target, own_request(text).output);
    });
    return all.spill(spill).url_in([this](std::string_view text) { return url_to_fetch(text); });
}

/// The URL in a text of the source, as it is asked for.
http::result<std::string> program::url_to_fetch(std::string_view text)
{
    const entry what = read_entry(text);
    auto url = url_of(what);
    if (!url)
        return url;
    if (std::string fault = requests_.fault_of(what); !fault.empty())
        return http::failure(http::error_class::bad_url, std::move(fault));
    url = requests_.url_of(what);
    if (!chosen_.url_schemes.allow_all())
        if (const auto target = http::url::parse(*url);
            target && !chosen_.url_schemes.allow(*target))
            return schemes::refusal(http::error_class::bad_url, *target, "--proto");
    if (!chosen_.query.empty())
        url = with_query(*url, chosen_.query);
    if (chosen_.skip_existing)
        if (auto reason = storage_.reason_to_skip(*url, what.own.output))
            return std::move(*reason);
    return url;
}

/// Says where a list was probably meant.
void program::look_for_lists() const
{
    for (const std::string& url : chosen_.urls) {
        std::error_code ignored;
        if (url.find("://") != std::string::npos || !std::filesystem::is_regular_file(url, ignored))
            continue;
        const std::string name = escaped(url);
        std::fprintf(stderr,
                     "weir-fetch: %s is a file here, and is taken for a URL; for the URLs in it, "
                     "write --input-file %s\n",
                     name.c_str(), name.c_str());
        return;
    }
}

asio::awaitable<void> program::run()
{
    draw();
    rules_.begin(started_);
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
        if (text && duplicates_)
            text = duplicates_->marked(*text);
    } catch (const input_fault& e) {
        if (text) // it was read, and cannot be looked up
            recorder_.not_done(read_entry(*std::exchange(text, std::nullopt)).text);
        complain(e.what());
        rules_.drain();
    }
    if (ordered_ && !text)
        ordered_->leave();
    co_return text;
}

/// After an early stop, reports the arguments that were not begun. Lines of a file that were never
/// read are not reported.
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
/// must be over; a line that is cut off there is another's URL, maybe, and none of the list.
asio::awaitable<void> program::keep_unread()
{
    bool as_it_is = !resumption_; // otherwise, lines that were done are among them
    whole_lines lines;
    for (bool more = true; more && recorder_.can_keep_remaining();) {
        co_await asio::post(executor_, asio::use_awaitable); // signals have their turn
        std::string part;
        try {
            if (as_it_is) {
                part = co_await input_->next_unread();
                more = !part.empty();
                part = more ? lines.feed(std::move(part)) : lines.rest();
                recorder_.not_read(part);
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
            if (!rules_.is_stopping())
                complain(std::string("cannot read the rest of the URLs: ") + e.what());
            tell("what was not read is not in " + escaped(chosen_.remaining));
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
        if (rules_.was_interrupted() && input_->may_have_to_wait())
            say("reading the rest of the URLs for --remaining; a second signal ends that");
        co_await keep_unread();
        if (resumption_)
            for (const std::string& text : resumption_->take_not_done())
                recorder_.not_done(text);
    }
    storage_.end();
    co_await recorder_.finish();
    redraw_.cancel();
    rules_.end();
    progress_.clear();
}

exit_code program::code() const
{
    if (recorder_.cannot_write() || storage_.could_not_store() || watchers_.cannot_write())
        return exit_cannot_write;
    if (rules_.was_interrupted() || recorder_.reader_has_gone())
        return exit_interrupted;
    if (rules_.is_late())
        return exit_deadline;
    if (input_failed_)
        return exit_usage;
    return tally_.some_failed() ? exit_some_failed : exit_ok;
}

asio::awaitable<void> program::take(http::fetch_result result)
{
    entry what = read_entry(result.url);
    if (auto there = storage_.skipped(result, what.own.output)) {
        tally_.add_skipped();
        ended item{std::move(result), std::move(what), std::move(*there)};
        co_await put_in_order(item);
        co_return;
    }
    auto& error = result.answer.error;
    if (!error || error->kind() != http::error_class::bad_url)
        what.first.reset(); // it was not begun
    if (what.first) {
        tally_.add_duplicate();
        error.reset();
        result.status = weir::status::ok;
        ended item{std::move(result), std::move(what), stored()};
        co_await put_in_order(item);
        co_return;
    }
    if (error && error->kind() == http::error_class::aborted && what.is_cut)
        error = http::failure(http::error_class::bad_url, what.fault); // its text is not whole
    if (error && error->kind() == http::error_class::bad_url)
        error = http::failure(http::error_class::bad_url, what.at.text() + ": " + error->text());
    stored where = storage_.finish(result, what.own.output, recorder_.can_record());
    tally_.add(result);
    rules_.count(result);
    if (storage_.disk_is_full() && !std::exchange(out_of_space_, true))
        rules_.finish_running("stopping: the disk is full; finishing the running fetches");
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
    if (prints_beside_progress_)
        progress_.clear();
    co_await recorder_.add(item.result, item.what, item.where);
    if (fetcher_.results_ready() == 0) {
        co_await recorder_.flush();
        show_progress(); // below the lines
    }
    if (recorder_.is_broken())
        rules_.give_up();
}

void program::draw()
{
    if (!progress_.is_shown())
        return;
    progress_.look(stands(), weir::now(executor_));
    progress_.show();
    redraw_ = weir::alarm(executor_, weir::now(executor_) + redraw_every, [this] { draw(); });
}

/// Draws it anew where something else was printed in its place.
void program::show_progress()
{
    if (!prints_beside_progress_ || !progress_.is_shown() || progress_.is_drawn())
        return;
    progress_.look(stands(), weir::now(executor_));
    progress_.show();
}

/// For the fetcher, what is not wanted is a failure. What is not begun any more has no end to wait
/// for.
standing program::stands() const
{
    constexpr std::size_t named_hosts = 2;
    standing now;
    now.counts = fetcher_.counts();
    now.counts.failed -= tally_.not_wanted();
    now.counts.ok += tally_.not_wanted();
    if (!rules_.is_draining())
        now.total = input_->all();
    now.slowest = tally_.hosts().slowest(named_hosts);
    return now;
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
    tell(text);
}

/// Also when silent.
void program::tell(const std::string& text)
{
    progress_.clear();
    std::fprintf(stderr, "weir-fetch: %s\n", text.c_str());
}

void program::say_summary()
{
    const auto took = weir::now(executor_) - started_;
    const std::string times = tally_.times();
    say(tally_.summary(took, fetcher_.counts().peak) + (times.empty() ? "" : '\n' + times));
}

} // namespace

exit_code run(const options& chosen)
{
    // A reader that has gone, and a limit of file sizes, are errors of the write.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    for (const std::string& each : chosen.silent ? std::vector<std::string>() : chosen.warnings)
        std::fprintf(stderr, "weir-fetch: %s\n", escaped(each).c_str());
    const options bounded = within_limits(chosen);
    std::exception_ptr error;
    const auto keep = [&error](std::exception_ptr e) {
        if (e)
            error = std::move(e);
    };
    // One runner, which is known to be serial: nothing needs a strand.
    weir::runner_pool runner(weir::runner_pool_options().runners(1).on_error(keep));
    program all(runner.get_executor(), bounded);
    asio::co_spawn(runner.get_executor(), all.run(), keep);
    runner.join();
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
