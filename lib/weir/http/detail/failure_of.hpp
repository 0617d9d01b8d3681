#pragma once

#include <weir/http/error.hpp>
#include <weir/http/response.hpp>

#include <exception>

namespace weir::http::detail {

/// The failure for what an exchange threw.
failure failure_of(const std::exception_ptr& error);

/// A response that is nothing but this failure.
response failed_response(const std::exception_ptr& error);

} // namespace weir::http::detail
