#include "recorder.hpp"

#include "body_target.hpp"
#include "escape.hpp"
#include "report.hpp"

#include <weir/http/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

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

bool holds_anything(journal_file& file)
{
    char first = 0;
    weir::error_code error;
    return file.read(0, &first, 1, error) != 0;
}

/// Where the files of an earlier run should be, if this one stores any.
journal::file_look looks_for_files(const options& chosen)
{
    const auto target = target_of(chosen);
    if (target != body_target::directory && target != body_target::file)
        return {};
    const std::string folder = target == body_target::directory ? chosen.output_dir : "";
    return [folder](const std::string& file) {
        std::error_code ignored;
        return std::filesystem::exists(std::filesystem::path(folder) / file, ignored);
    };
}

std::unique_ptr<journal> open_journal(const options& chosen)
{
    if (chosen.results.empty())
        return nullptr;
    const auto how = chosen.sync ? journal::durability::survives_power_loss
                                 : journal::durability::system_keeps_running;
    std::unique_ptr<journal> opened;
    try {
        auto file = open_journal_file(chosen.results);
        if (!chosen.resume && holds_anything(*file))
            throw std::runtime_error(
                "it holds something already; go on with results by --resume, or name another");
        opened = std::make_unique<journal>(std::move(file), how, looks_for_files(chosen));
    } catch (const system_error& e) {
        throw cannot_use("--results", chosen.results, meaning(e.code()));
    } catch (const std::runtime_error& e) {
        throw cannot_use("--results", chosen.results, e.what());
    }
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

/// Bodies have standard output for themselves; but as with curl, `--write-out` prints there, too.
int descriptor_for_results(const options& chosen)
{
    const bool has_bodies = is_standard_output(chosen.output) && !chosen.write_out;
    return has_bodies ? STDERR_FILENO : STDOUT_FILENO;
}

write_out::texts texts_for(int descriptor)
{
    return ::isatty(descriptor) == 1 ? write_out::texts::escaped : write_out::texts::as_they_are;
}

/// The descriptor for bodies. It stays open until the program ends.
int open_stream(const std::string& path)
{
    if (is_standard_output(path))
        return STDOUT_FILENO;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        throw cannot_use("--output", path,
                         meaning(weir::error_code(errno, boost::system::system_category())));
    return fd;
}

void tell(const std::string& what, const std::string& why)
{
    std::fprintf(stderr, "weir-fetch: cannot write %s: %s\n", what.c_str(), why.c_str());
}

} // namespace

recorder::recorder(asio::any_io_executor executor, const options& chosen)
    : chosen_(chosen), prints_bodies_(target_of(chosen) == body_target::stream),
      results_on_(executor, descriptor_for_results(chosen)), journal_(open_journal(chosen)),
      remaining_(open_remaining(chosen))
{
    if (chosen.write_out)
        format_.emplace(*chosen.write_out);
    const bool apart = !(is_standard_output(chosen.output) && format_);
    if (prints_bodies_ && apart)
        bodies_.emplace(std::move(executor), open_stream(chosen.output));
    for (const std::string& name : format_ ? format_->unknown() : std::vector<std::string>())
        std::fprintf(stderr,
                     "weir-fetch: --write-out: there is no variable %%{%s}: nothing is printed "
                     "for it\n",
                     escaped(name).c_str());
}

asio::awaitable<void> recorder::add(const weir::http::fetch_result& result, const entry& what,
                                    const stored& where)
{
    const bool aborted = is_aborted(result);
    const bool counts_here = remaining_ && !journal_ && !aborted;
    const std::string* entry = counts_here ? &what.text : nullptr;
    bool lost = is_broken(); // of its body, where it is to be printed
    if (where.held && !lost) {
        co_await print_body(*where.held);
        if (journal_ || remaining_)
            co_await flush(bodies()); // what is recorded as done has been written
        lost = (journal_ || remaining_) && is_broken();
    }
    if (lost && prints_bodies_ && (where.held || !result.answer.error)) {
        not_done(what.text);
        co_return;
    }
    const bool in_journal = journal_ && !aborted;
    std::string record;
    if (chosen_.jsonl || in_journal)
        record = json_line(result, what, where);
    if (in_journal)
        check_journal(journal_->add(record, what.text));
    if (aborted)
        not_done(what.text);
    if (!chosen_.jsonl) {
        const line made = line_for(result, what, where);
        record = made.text;
        if (!made.is_said) {
            cannot_write_ = true;
            if (entry != nullptr)
                not_done(*std::exchange(entry, nullptr));
        }
    }
    co_await print(results_on_, record, entry);
}

/// What is printed, unless it is JSON.
recorder::line recorder::line_for(const weir::http::fetch_result& result, const entry& what,
                                  const stored& where) const
{
    if (!format_)
        return {tsv_line(result, what, where), true};
    const write_out::output made =
        format_->text({result, what, where}, texts_for(STDOUT_FILENO), texts_for(STDERR_FILENO));
    errno = 0;
    const auto said = std::fwrite(made.err.data(), 1, made.err.size(), stderr);
    return {made.out, said == made.err.size() || errno == EBADF}; // closed by the user
}

asio::awaitable<void> recorder::print_body(spool& body)
{
    for (;;) {
        weir::error_code error;
        const std::string_view part = body.read(error);
        if (error)
            output_failed(bodies(), error);
        if (part.empty() || is_broken())
            co_return;
        co_await print(bodies(), part, nullptr);
    }
}

asio::awaitable<void> recorder::print(output& to, std::string_view text, const std::string* entry)
{
    boost::system::error_code error;
    try {
        co_await to.write(text, entry);
    } catch (const system_error& e) {
        error = e.code();
    }
    output_failed(to, error);
}

asio::awaitable<void> recorder::flush(output& to)
{
    boost::system::error_code error;
    try {
        co_await to.flush();
    } catch (const system_error& e) {
        error = e.code();
    }
    output_failed(to, error);
}

asio::awaitable<void> recorder::flush()
{
    if (journal_)
        check_journal(journal_->flush());
    if (bodies_)
        co_await flush(*bodies_);
    co_await flush(results_on_);
}

void recorder::output_failed(const output& to, const boost::system::error_code& why)
{
    if (!why)
        return;
    if (why == asio::error::broken_pipe || why == asio::error::connection_reset ||
        why == asio::error::timed_out) {
        reader_has_gone_ = true;
        return;
    }
    cannot_write_ = true;
    const bool swapped = descriptor_for_results(chosen_) == STDERR_FILENO;
    if (&to == &results_on_)
        tell(swapped ? "the results to standard error" : "the results to standard output",
             why.message());
    else
        tell("the bodies to " + (swapped ? "standard output" : escaped(chosen_.output)),
             why.message());
}

void recorder::check_journal(const weir::error_code& error)
{
    if (!error || std::exchange(journal_broken_, true))
        return;
    cannot_write_ = true;
    tell("the results to " + escaped(chosen_.results), error.message());
}

void recorder::stop_waiting()
{
    results_on_.stop_waiting();
    if (bodies_)
        bodies_->stop_waiting();
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
    for (const auto& text : journal_ ? journal_->take_unwritten() : results_on_.take_unwritten())
        not_done(text);
    if (bodies_)
        for (const auto& text : bodies_->take_unwritten())
            not_done(text);
    if (const auto error = remaining_->keep()) {
        cannot_write_ = true;
        tell("what remains to " + escaped(chosen_.remaining), error.message());
    }
}

} // namespace weir_fetch
