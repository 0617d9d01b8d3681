#pragma once

#include <weir/error.hpp>
#include <weir/http/detail/spill_file.hpp>
#include <weir/http/detail/text_backlog.hpp>
#include <weir/http/spill_options.hpp>
#include <weir/run/blocking_lane.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace weir::http::detail {

/// Does what a backlog wants to have done with its file, off the executor.
///
/// Threads: one serial executor.
/// Lifetime: a step that was started completes even after this is gone.
class spiller {
public:
    using done = std::function<void(text_backlog::step s, error_code error)>;

    spiller(boost::asio::any_io_executor executor, const spill_options& options);

    /// Precondition: the one before is done. `then` is called on the executor, never in this call.
    void start(text_backlog::step s, done then);

private:
    struct operation;

    error_code start_lane();

    boost::asio::any_io_executor executor_;
    std::shared_ptr<spill_file> file_;
    std::shared_ptr<blocking_lane> lane_;
};

} // namespace weir::http::detail
