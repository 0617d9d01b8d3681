#pragma once

#include <boost/asio/any_io_executor.hpp>

namespace weir {

/// Says that an executor is serial where weir cannot know it: an `io_context` that one thread runs,
/// or a strand of your own making. A pool then uses it as it is, without a strand for each worker.
///
/// Errors: where the library was built with assertions, it asserts that no two functions run at the
///         same time on what this returns. Elsewhere the promise is taken.
/// Threads: safe from any thread.
/// Memory: one allocation. A pool built without assertions uses the executor itself.
boost::asio::any_io_executor assume_serial(boost::asio::any_io_executor executor);

} // namespace weir
