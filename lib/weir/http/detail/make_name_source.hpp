#pragma once

#include <weir/http/client_options.hpp>
#include <weir/http/name_source.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace weir::http::detail {

/// The source of names that the options ask for. Nothing is read from the network, and no thread
/// started, before the first name is asked for.
std::shared_ptr<name_source> make_name_source(const boost::asio::any_io_executor& executor,
                                              const client_options& options);

} // namespace weir::http::detail
