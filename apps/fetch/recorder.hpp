#pragma once

#include "entry.hpp"
#include "journal.hpp"
#include "options.hpp"
#include "output.hpp"
#include "record.hpp"
#include "remaining.hpp"
#include "write_out.hpp"

#include <weir/error.hpp>
#include <weir/http/fetch_result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir_fetch {

/// Writes each result where it belongs: to standard output, to the journal when it is done, to the
/// file of what remains when it is not. Whatever fails, each entry is in one of the two at the end.
///
/// Errors: none of the functions throws. What could not be written is told once, on standard error.
class recorder {
public:
    /// Throws std::runtime_error when a file cannot be used.
    recorder(boost::asio::any_io_executor executor, const options& chosen);

    /// Null without `--results`.
    journal* results() noexcept { return journal_.get(); }
    bool keeps_remaining() const noexcept { return remaining_ != nullptr; }
    /// And it could be written so far.
    bool can_keep_remaining() const noexcept { return remaining_ && !remaining_->has_failed(); }

    boost::asio::awaitable<void> add(const weir::http::fetch_result& result, const entry& what,
                                     const stored& where);
    /// Writes what is still in memory.
    boost::asio::awaitable<void> flush();

    /// Waits for no reader any longer: see `output`.
    void stop_waiting();
    /// Bytes that readers have taken, of results and bodies.
    std::uint64_t taken() const noexcept
    {
        return results_on_.taken() + (bodies_ ? bodies_->taken() : 0);
    }

    /// An entry that has no result.
    void not_done(std::string_view text);
    /// A part of the input that was not read, as it is.
    void not_read(std::string_view bytes);
    /// To be called once, at the end.
    boost::asio::awaitable<void> finish();

    /// Whether results can still be written to where they are needed.
    bool is_broken() const noexcept { return reader_has_gone_ || cannot_write_; }
    /// Whether what can be done now will be known to have been done.
    bool can_record() const noexcept { return journal_ ? !journal_broken_ : !is_broken(); }
    bool reader_has_gone() const noexcept { return reader_has_gone_; }
    bool cannot_write() const noexcept { return cannot_write_; }

private:
    struct line {
        std::string text;
        bool is_said; // what of it is for standard error
    };

    boost::asio::awaitable<void> print(output& to, std::string_view text, const std::string* entry);
    boost::asio::awaitable<void> print_body(spool& body);
    boost::asio::awaitable<void> flush(output& to);
    line line_for(const weir::http::fetch_result& result, const entry& what,
                  const stored& where) const;
    void output_failed(const output& to, const boost::system::error_code& why);
    output& bodies() noexcept { return bodies_ ? *bodies_ : results_on_; }
    void check_journal(const weir::error_code& error);

    const options& chosen_;
    bool prints_bodies_;
    output results_on_;               // standard output, or standard error when bodies are on that
    std::optional<output> bodies_;    // where they are printed, if not among the results
    std::optional<write_out> format_; // of what is printed instead of lines
    std::unique_ptr<journal> journal_;
    std::unique_ptr<remaining> remaining_;
    bool journal_broken_ = false;
    bool reader_has_gone_ = false;
    bool cannot_write_ = false;
};

} // namespace weir_fetch
