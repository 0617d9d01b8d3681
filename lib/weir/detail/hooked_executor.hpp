#pragma once

#include <weir/detail/executor_hook.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// An executor that tells a hook when each function begins and ends. It costs an allocation and a
/// virtual call a function.
class hooked_executor {
    using inner_type = boost::asio::any_io_executor;

public:
    hooked_executor(inner_type inner, std::shared_ptr<executor_hook> hook) noexcept
        : inner_(std::move(inner)), hook_(std::move(hook))
    {
    }

    const inner_type& inner() const noexcept { return inner_; }
    const executor_hook& hook() const noexcept { return *hook_; }

    friend bool operator==(const hooked_executor& a, const hooked_executor& b) noexcept
    {
        return a.hook_ == b.hook_ && a.inner_ == b.inner_;
    }
    friend bool operator!=(const hooked_executor& a, const hooked_executor& b) noexcept
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
        hooked_executor require(const Property& property)
    const { return hooked_executor(boost::asio::require(inner_, property), hook_); }

    template <class Property>
    requires boost::asio::can_prefer_v<const inner_type&, Property>
        hooked_executor prefer(const Property& property)
    const { return hooked_executor(boost::asio::prefer(inner_, property), hook_); }

    template <class Function>
    void execute(Function&& function) const
    {
        inner_.execute(
            hooked_function<std::decay_t<Function>>{hook_, std::forward<Function>(function)});
    }

private:
    template <class Function>
    struct hooked_function {
        struct inside {
            explicit inside(executor_hook& h) noexcept : hook(h) { hook.enters(); }
            inside(const inside&) = delete;
            inside& operator=(const inside&) = delete;
            ~inside() { hook.leaves(); }
            executor_hook& hook;
        };

        void operator()()
        {
            const std::shared_ptr<executor_hook> kept = std::move(hook);
            const inside here(*kept);
            Function own(std::move(function)); // what it holds goes inside, too
            own();
        }

        std::shared_ptr<executor_hook> hook;
        Function function;
    };

    inner_type inner_;
    std::shared_ptr<executor_hook> hook_;
};

} // namespace weir::detail
