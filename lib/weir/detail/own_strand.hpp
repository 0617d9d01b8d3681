#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/strand.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// What is beneath the strands that weir makes: any executor. Where it is that of an `io_context`,
/// it can become one again. So a waiter can keep the strand as one over an `io_context`, by value,
/// and yet the strand itself is of one type for all executors: each type costs every program with a
/// pool 30 KB.
class beneath_strand {
    using inner_type = boost::asio::any_io_executor;
    using io_executor = boost::asio::io_context::executor_type;

public:
    // Not for what converts to one: whether this class is an executor would depend on itself.
    template <std::same_as<inner_type> Inner>
    explicit beneath_strand(Inner inner) noexcept : inner_(std::move(inner))
    {
    }

    const inner_type& inner() const noexcept { return inner_; }

    /// Precondition: it is that of an `io_context`.
    operator io_executor() const noexcept { return *inner_.target<io_executor>(); }

    friend bool operator==(const beneath_strand& a, const beneath_strand& b) noexcept
    {
        return a.inner_ == b.inner_;
    }
    friend bool operator!=(const beneath_strand& a, const beneath_strand& b) noexcept
    {
        return !(a == b);
    }

    template <class Property>
    requires boost::asio::can_query_v<const inner_type&, Property>
    auto query(const Property& property) const
        -> decltype(boost::asio::query(std::declval<const inner_type&>(), property))
    {
        return boost::asio::query(inner_, property);
    }

    template <class Property>
    requires boost::asio::can_require_v<const inner_type&, Property>
        beneath_strand require(const Property& property)
    const { return beneath_strand(boost::asio::require(inner_, property)); }

    template <class Property>
    requires boost::asio::can_prefer_v<const inner_type&, Property>
        beneath_strand prefer(const Property& property)
    const { return beneath_strand(boost::asio::prefer(inner_, property)); }

    template <class Function>
    void execute(Function&& function) const
    {
        inner_.execute(std::forward<Function>(function));
    }

private:
    inner_type inner_;
};

using own_strand = boost::asio::strand<beneath_strand>;

} // namespace weir::detail
