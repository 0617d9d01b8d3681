#pragma once

#include <weir/detail/post_to.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir::detail {

/// The executor on which a waiting operation goes on. Where that belongs to an `io_context`,
/// posting does not allocate.
class home_executor {
public:
    using io_executor = boost::asio::io_context::executor_type;

    template <class Executor>
    explicit home_executor(const Executor& executor)
    {
        namespace asio = boost::asio;
        if constexpr (std::is_same_v<Executor, io_executor>)
            where_.template emplace<io_executor>(executor);
        else if constexpr (std::is_same_v<Executor, asio::any_io_executor>)
            look_beneath(executor);
        else
            look_beneath(asio::any_io_executor(executor));
    }

    /// The executor of the `io_context`, which does not count as work: the registry does that for
    /// all waiters there. Null for any other executor; that one counts as work itself, so that
    /// `run` does not return while the operation waits.
    const io_executor* io() const noexcept { return std::get_if<io_executor>(&where_); }

    boost::asio::execution_context& context() const
    {
        return io() != nullptr ? io()->context() : other_context();
    }

    /// Without counting as work.
    boost::asio::any_io_executor plain() const;

    /// The function may run, and destroy this object, before `post` returns.
    template <class Function>
    void post(Function function) const
    {
        if (io() != nullptr) {
            const io_executor copy = *io();
            boost::asio::post(copy, std::move(function));
        } else {
            const boost::asio::any_io_executor copy = other();
            post_to(copy, std::move(function));
        }
    }

private:
    void look_beneath(const boost::asio::any_io_executor& executor);
    boost::asio::execution_context& other_context() const;

    // On the heap, because it is large and rare: a million operations may wait on an `io_context`.
    using any_other = std::unique_ptr<const boost::asio::any_io_executor>;
    const boost::asio::any_io_executor& other() const { return *std::get<any_other>(where_); }

    std::variant<std::monostate, io_executor, any_other> where_;
};

} // namespace weir::detail
