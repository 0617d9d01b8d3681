#pragma once

#include <weir/detail/awaited.hpp>
#include <weir/flow/outcome.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir::detail {

/// The call of a stage's function for one item: what it returns, and the result made of that.
template <class Source, class Function, bool Collects>
struct stage_call {
    using item_type = typename Source::item_type;
    static_assert(std::is_invocable_v<Function&, item_type>,
                  "weir: the function of a map or a stage is called with an item of its source");
    using returned = typename invoke_result_or_void<Function&, item_type>::type;
    using plain = std::remove_cvref_t<awaited_t<returned>>;
    static constexpr bool suspends = is_awaitable<returned>;
    static constexpr bool is_void = std::is_void_v<plain>;
    using value_type = std::conditional_t<is_void, std::monostate, plain>;
    using result_type = std::conditional_t<Collects, outcome<plain>, value_type>;

    static_assert(std::is_nothrow_move_constructible_v<value_type>,
                  "a result must move without throwing");

    static result_type succeeded(std::uint64_t number, value_type&& value)
    {
        if constexpr (Collects) {
            ticket item(number + 1);
            return outcome_access::make_ok<plain>(std::move(item), std::move(value));
        } else {
            return std::move(value);
        }
    }

    /// Only where outcomes are collected.
    static result_type failed(std::uint64_t number, std::exception_ptr error)
    {
        if constexpr (Collects) {
            ticket item(number + 1);
            return outcome_access::make<plain>(std::move(item), status::failed, cancel_reason::none,
                                               std::move(error));
        } else {
            std::rethrow_exception(std::move(error));
        }
    }
};

} // namespace weir::detail
