#include "program.hpp"

#include "directory.hpp"
#include "escape.hpp"
#include "file_name.hpp"
#include "input.hpp"
#include "limits.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "settings.hpp"
#include "stored_body.hpp"

#include <weir/error.hpp>
#include <weir/flow/outcome.hpp>
#include <weir/http/body.hpp>
#include <weir/http/error.hpp>
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
#include <boost/system/system_error.hpp>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace weir_fetch {
namespace {

namespace asio = boost::asio;
namespace http = weir::http;

constexpr auto redraw_every = std::chrono::milliseconds(200);

/// One run of the program, on one executor.
class program {
public:
    program(asio::io_context& context, const options& chosen);

    /// Reports errors of input and output in `code`, and does not throw them.
    asio::awaitable<void> run();
    exit_code code() const;
    void say_summary();

private:
    asio::awaitable<void> take(http::fetch_result result);
    asio::awaitable<void> report_not_taken();
    void count_error(const http::fetch_result& result);
    void set_deadline();
    http::fetcher_options fetcher_options();
    std::shared_ptr<http::body> make_body(const http::url& target);
    void ended_early(const std::string& fault);
    void finish_running();
    void stop();
    void draw();
    void say(const std::string& text);

    const options& chosen_;
    asio::any_io_executor executor_;
    std::unique_ptr<input> input_;
    output output_;
    std::unique_ptr<directory> directory_;
    http::fetcher fetcher_;
    weir::shutdown_signals signals_;
    progress progress_;
    weir::alarm redraw_;
    weir::alarm deadline_;
    std::uint64_t errors_ = 0;
    bool late_ = false;
    tally tally_;
    weir::time_point started_;
    bool interrupted_ = false;
    bool stopping_ = false;
    bool input_failed_ = false;
    bool output_closed_ = false;
};

std::unique_ptr<directory> open_directory(const std::string& path)
{
    if (path.empty())
        return nullptr;
    try {
        return std::make_unique<directory>(path);
    } catch (const boost::system::system_error& e) {
        throw std::runtime_error("cannot write to " + escaped(path) + ": " + e.code().message());
    }
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
      output_(executor_, STDOUT_FILENO), directory_(open_directory(chosen.output_dir)),
      fetcher_(executor_, fetcher_options(),
               [this](const http::url& target) { return make_body(target); }),
      signals_(
          executor_, [this] { finish_running(); }, [this] { stop(); }),
      progress_(STDERR_FILENO, !chosen.quiet), started_(weir::now(executor_))
{
}

http::fetcher_options program::fetcher_options()
{
    auto all = fetcher_options_for(chosen_);
    auto spill = all.spill();
    spill.on_full([this](weir::error_code why) {
        say("no more URLs are read for now: those of slow hosts cannot be stored (--spill-dir): " +
            why.message());
    });
    return all.spill(spill);
}

std::shared_ptr<http::body> program::make_body(const http::url& target)
{
    if (!directory_ && !chosen_.json)
        return nullptr; // the sum would not be printed
    return std::make_shared<stored_body>(directory_.get(), file_name(target.target()),
                                         chosen_.json);
}

asio::awaitable<void> program::run()
{
    draw();
    set_deadline();
    const auto source = [this]() -> asio::awaitable<std::optional<std::string>> {
        return input_->next();
    };
    const auto sink = [this](http::fetch_result result) -> asio::awaitable<void> {
        return take(std::move(result));
    };
    std::string fault;
    try {
        co_await fetcher_.run(source, sink);
        co_await report_not_taken();
        co_await output_.flush();
    } catch (const boost::system::system_error& e) {
        fault = e.code().message();
    } catch (const std::exception& e) {
        fault = e.what();
    }
    redraw_.cancel();
    deadline_.cancel();
    progress_.clear();
    signals_.ignore();
    if (!fault.empty())
        ended_early(fault);
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

void program::ended_early(const std::string& fault)
{
    input_failed_ = !output_closed_;
    const std::string what =
        output_closed_ ? "cannot write the results: " : "cannot read the URLs: ";
    std::fprintf(stderr, "weir-fetch: %s%s\n", what.c_str(), fault.c_str());
}

exit_code program::code() const
{
    if (interrupted_ || output_closed_)
        return exit_interrupted;
    if (late_)
        return exit_deadline;
    if (input_failed_)
        return exit_usage;
    return tally_.some_failed() ? exit_some_failed : exit_ok;
}

asio::awaitable<void> program::take(http::fetch_result result)
{
    stored where;
    if (auto* content = static_cast<stored_body*>(result.content.get())) {
        constexpr unsigned not_modified = 304; // there is nothing to store
        const bool is_whole = !result.answer.error && result.answer.status != not_modified;
        const auto error = content->finish(is_whole);
        if (error && !result.answer.error) {
            result.status = weir::status::failed;
            result.answer.error = http::failure(
                http::error_class::io, "the body could not be stored: " + error.message(), error);
        }
        where.sha256 = content->sha256_hex();
        where.file = content->file();
    }
    tally_.add(result);
    count_error(result);
    const std::string line = chosen_.json ? json_line(result, where) : tsv_line(result);
    progress_.clear();
    try {
        co_await output_.write(line);
        if (fetcher_.results_ready() == 0)
            co_await output_.flush();
    } catch (...) {
        output_closed_ = true;
        throw;
    }
}

/// `--max-errors`: URLs that were not begun do not count.
void program::count_error(const http::fetch_result& result)
{
    const auto& error = result.answer.error;
    if (!error || error->kind() == http::error_class::aborted || ++errors_ != chosen_.max_errors)
        return;
    say("stopping after " + std::to_string(errors_) + " errors: finishing the running fetches");
    fetcher_.finish_running();
}

/// `--deadline`: as at the first signal.
void program::set_deadline()
{
    if (!chosen_.deadline)
        return;
    const std::chrono::duration<double> length(*chosen_.deadline);
    const auto at = started_ + std::chrono::duration_cast<weir::duration>(length);
    deadline_ = weir::alarm(executor_, at, [this] {
        late_ = true;
        say("stopping at the deadline: finishing the running fetches");
        fetcher_.finish_running();
    });
}

void program::finish_running()
{
    interrupted_ = true;
    say("stopping: finishing the running fetches; a second signal stops them at once");
    fetcher_.finish_running();
}

/// At the second signal, and at each later one.
void program::stop()
{
    if (std::exchange(stopping_, true))
        std::_Exit(exit_interrupted);
    say("stopping at once");
    fetcher_.stop();
}

void program::draw()
{
    if (!progress_.is_shown())
        return;
    const auto now = weir::now(executor_);
    progress_.show(fetcher_.counts(), now - started_);
    redraw_ = weir::alarm(executor_, now + redraw_every, [this] { draw(); });
}

void program::say(const std::string& text)
{
    progress_.clear();
    if (!chosen_.quiet)
        std::fprintf(stderr, "weir-fetch: %s\n", text.c_str());
}

void program::say_summary()
{
    const auto took = weir::now(executor_) - started_;
    say(tally_.summary(took, fetcher_.counts().peak));
}

options within_limits(options chosen)
{
    const auto descriptors = raise_descriptor_limit();
    const auto jobs = jobs_for(descriptors, !chosen.output_dir.empty(), chosen.jobs);
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
    std::signal(SIGPIPE, SIG_IGN); // a reader that has gone is an error of the write
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
