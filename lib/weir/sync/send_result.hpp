#pragma once

#include <weir/detail/nodiscard.hpp>
#include <weir/detail/result_access.hpp>
#include <weir/error.hpp>

#include <optional>
#include <utility>

namespace weir {

/// The result of a send: the channel has the value, or hands it back with the reason.
template <class T>
class WEIR_NODISCARD_SENT send_result {
public:
    send_result() = default;
    send_result(error_code error, T&& value) : error_(error), value_(std::move(value)) {}

    /// True: the channel has taken the value.
    explicit operator bool() const noexcept { return !error_; }
    const error_code& error() const noexcept { return error_; }
    /// The value, handed back. Throws `std::bad_optional_access` when it was sent.
    T& value() & { return value_.value(); }
    T&& value() && { return std::move(value_).value(); }

private:
    friend struct detail::result_access;

    error_code error_;
    std::optional<T> value_;
};

/// The result of a send that does not wait.
class WEIR_NODISCARD_SENT try_result {
public:
    try_result() = default;
    try_result(errc reason) noexcept : reason_(reason) {}

    explicit operator bool() const noexcept { return reason_ == errc{}; }
    /// `errc::full` or `errc::closed`; no error when it was sent.
    error_code error() const noexcept { return *this ? error_code() : make_error_code(reason_); }

private:
    errc reason_{};
};

} // namespace weir
