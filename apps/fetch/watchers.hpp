#pragma once

#include "options.hpp"
#include "pace.hpp"

#include <weir/http/exchange_watcher.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace weir_fetch {

/// What flags say about single exchanges: shows them (`--verbose`), copies the headers of answers
/// (`--dump-header`), keeps to speeds (`--limit-rate`), and refuses redirects (`--proto-redir`).
///
/// Lifetime: outlives the watchers that it makes.
class watchers {
public:
    /// `before_text` is called before something is written to standard error. Throws
    /// std::runtime_error when the file of `--dump-header` cannot be used.
    watchers(boost::asio::any_io_executor executor, const options& chosen,
             std::function<void()> before_text);
    watchers(const watchers&) = delete;
    watchers& operator=(const watchers&) = delete;
    ~watchers();

    /// Whether any flag asks for them.
    bool are_wanted() const;
    /// The watcher of an attempt at a URL, from its `tagged` text.
    std::shared_ptr<weir::http::exchange_watcher> make(std::string_view text);

    /// Whether the headers could not be written.
    bool cannot_write() const noexcept { return cannot_write_; }

private:
    class watcher;

    void show(const std::string& lines) const;
    void dump(std::string_view head);

    boost::asio::any_io_executor executor_;
    const options& chosen_;
    std::function<void()> before_text_;
    std::shared_ptr<speed_limit> of_all_;
    int dump_to_ = -1;
    bool names_urls_;
    bool dump_is_shown_ = false; // on a terminal
    bool cannot_write_ = false;
};

} // namespace weir_fetch
