#pragma once

#include <weir/error.hpp>
#include <weir/http/detail/fetch_schedule.hpp>
#include <weir/http/detail/spiller.hpp>
#include <weir/http/detail/text_backlog.hpp>
#include <weir/http/spill_options.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>

namespace weir::http::detail {

/// Moves the text of URLs that wait between memory and the file, as a schedule wants it: one part
/// at a time is written or read.
///
/// Errors: what cannot be written stays in memory, and `spill_options::on_full` is told why, once.
///         What cannot be read is `unreadable`, and nothing more is moved then.
/// Threads: one serial executor.
/// Lifetime: outlived by `of` and `options`; `then` keeps it while a part is on its way.
class text_mover {
public:
    text_mover(boost::asio::any_io_executor executor, const spill_options& options,
               fetch_schedule& of);

    /// Whether there is a part to move, and none is on its way: `start` moves it then.
    bool take_next();
    /// `then` is called when the part was moved or could not be, never in this call.
    void start(std::function<void()> then);

    error_code unreadable() const noexcept { return unreadable_; }

private:
    void moved(text_backlog::step s, error_code error);
    void say_full(error_code why);

    boost::asio::any_io_executor executor_;
    const spill_options& options_;
    fetch_schedule& schedule_;
    spiller spiller_;
    text_backlog::step next_;
    bool is_moving_ = false;
    bool told_full_ = false;
    error_code unreadable_;
};

} // namespace weir::http::detail
