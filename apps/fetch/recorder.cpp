#include "recorder.hpp"

#include "escape.hpp"
#include "report.hpp"

#include <weir/http/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace weir_fetch {
namespace {

namespace asio = boost::asio;
using boost::system::system_error;

std::runtime_error cannot_use(const std::string& flag, const std::string& path,
                              const std::string& why)
{
    return std::runtime_error("cannot use " + flag + " " + escaped(path) + ": " + why);
}

/// What an error of opening a file means.
std::string meaning(const weir::error_code& error)
{
    if (error.value() == EWOULDBLOCK)
        return "another weir-fetch is writing it";
    if (error.value() == EINVAL)
        return "it is no regular file";
    return error.message();
}

std::unique_ptr<journal> open_journal(const options& chosen)
{
    if (chosen.results.empty())
        return nullptr;
    const auto how = chosen.sync ? journal::durability::survives_power_loss
                                 : journal::durability::system_keeps_running;
    std::unique_ptr<journal> opened;
    try {
        opened = std::make_unique<journal>(open_journal_file(chosen.results), how);
    } catch (const system_error& e) {
        throw cannot_use("--results", chosen.results, meaning(e.code()));
    } catch (const std::runtime_error& e) {
        throw cannot_use("--results", chosen.results, e.what());
    }
    if (!chosen.resume && !opened->is_empty())
        throw cannot_use("--results", chosen.results,
                         "it holds results already; go on with it by --resume, or name another");
    if (opened->unreadable() != 0)
        std::fprintf(stderr,
                     "weir-fetch: %s has %llu lines that are damaged; what they were about is "
                     "fetched again\n",
                     escaped(chosen.results).c_str(),
                     static_cast<unsigned long long>(opened->unreadable()));
    return opened;
}

std::unique_ptr<remaining> open_remaining(const options& chosen)
{
    if (chosen.remaining.empty())
        return nullptr;
    try {
        return std::make_unique<remaining>(chosen.remaining);
    } catch (const system_error& e) {
        throw cannot_use("--remaining", chosen.remaining, meaning(e.code()));
    }
}

bool is_aborted(const weir::http::fetch_result& result)
{
    const auto& error = result.answer.error;
    return error && error->kind() == weir::http::error_class::aborted;
}

void tell(const std::string& what, const std::string& why)
{
    std::fprintf(stderr, "weir-fetch: cannot write %s: %s\n", what.c_str(), why.c_str());
}

} // namespace

recorder::recorder(asio::any_io_executor executor, const options& chosen)
    : chosen_(chosen), output_(std::move(executor), STDOUT_FILENO), journal_(open_journal(chosen)),
      remaining_(open_remaining(chosen))
{
}

asio::awaitable<void> recorder::add(const weir::http::fetch_result& result, const entry& what,
                                    const stored& where)
{
    const bool aborted = is_aborted(result);
    const bool in_journal = journal_ && !aborted;
    std::string record;
    if (chosen_.jsonl || in_journal)
        record = json_line(result, what, where);
    if (in_journal)
        check_journal(journal_->add(record, what.text));
    if (aborted)
        not_done(what.text);
    const bool counts_here = remaining_ && !journal_ && !aborted;
    if (!chosen_.jsonl)
        record = tsv_line(result, what);
    co_await print(record, counts_here ? &what.text : nullptr);
}

asio::awaitable<void> recorder::print(std::string_view line, const std::string* text)
{
    boost::system::error_code error;
    try {
        co_await output_.write(line, text);
    } catch (const system_error& e) {
        error = e.code();
    }
    output_failed(error);
}

asio::awaitable<void> recorder::flush()
{
    if (journal_)
        check_journal(journal_->flush());
    boost::system::error_code error;
    try {
        co_await output_.flush();
    } catch (const system_error& e) {
        error = e.code();
    }
    output_failed(error);
}

void recorder::output_failed(const boost::system::error_code& why)
{
    if (!why)
        return;
    if (why == asio::error::broken_pipe || why == asio::error::connection_reset) {
        reader_has_gone_ = true;
        return;
    }
    cannot_write_ = true;
    tell("the results to standard output", why.message());
}

void recorder::check_journal(const weir::error_code& error)
{
    if (!error || std::exchange(journal_broken_, true))
        return;
    cannot_write_ = true;
    tell("the results to " + escaped(chosen_.results), error.message());
}

void recorder::not_done(std::string_view text)
{
    if (remaining_)
        remaining_->add_line(text);
}

void recorder::not_read(std::string_view bytes)
{
    if (remaining_)
        remaining_->add_bytes(bytes);
}

asio::awaitable<void> recorder::finish()
{
    co_await flush();
    if (!remaining_)
        co_return;
    const auto lost = journal_ ? journal_->take_unwritten() : output_.take_unwritten();
    for (const auto& text : lost)
        not_done(text);
    if (const auto error = remaining_->keep()) {
        cannot_write_ = true;
        tell("what remains to " + escaped(chosen_.remaining), error.message());
    }
}

} // namespace weir_fetch
