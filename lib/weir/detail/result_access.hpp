#pragma once

#include <weir/error.hpp>

#include <concepts>

namespace weir::detail {

/// Changes the error of an operation's result: what ended it may know the reason better.
struct result_access {
    template <class Result>
    static auto error_of(Result& result) noexcept -> decltype((result.error_))
    {
        return result.error_;
    }
};

template <class Result>
concept has_error = requires(Result& result)
{
    {
        result_access::error_of(result)
        } -> std::same_as<error_code&>;
};

} // namespace weir::detail
