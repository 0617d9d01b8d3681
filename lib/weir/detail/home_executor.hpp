#pragma once

#include <weir/detail/post_to.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// The executor on which a waiting operation goes on. Where that is the executor of an
/// `io_context`, or a strand over it, it is kept by value: posting neither allocates nor calls a
/// virtual function.
///
/// Such an executor does not count as work: the registry does that for all waiters of its context.
/// Any other counts as work itself, so that `run` does not return while the operation waits.
class home_executor {
public:
    using io_executor = boost::asio::io_context::executor_type;
    using io_strand = boost::asio::strand<io_executor>;

    template <class Executor>
    explicit home_executor(const Executor& executor)
    {
        using any = boost::asio::any_io_executor;
        if constexpr (std::is_same_v<Executor, io_executor> || std::is_same_v<Executor, io_strand>)
            hold(executor);
        else if constexpr (std::is_same_v<Executor, any>)
            look_beneath(executor);
        else
            look_beneath(any(executor));
    }
    home_executor(const home_executor&) = delete;
    home_executor& operator=(const home_executor&) = delete;
    ~home_executor()
    {
        if (kind_ != kind::io)
            let_go();
    }

    /// The bare executor of an `io_context`. Null for any other, a strand too.
    const io_executor* io() const noexcept { return kind_ == kind::io ? &io_ : nullptr; }

    /// Whether functions run on an `io_context`, on a thread that runs it: `beneath` then.
    bool is_on_io() const noexcept { return kind_ != kind::other; }
    io_executor beneath() const noexcept
    {
        return kind_ == kind::io ? io_ : strand_.get_inner_executor();
    }

    boost::asio::execution_context& context() const
    {
        return kind_ == kind::io ? io_.context() : other_context();
    }

    /// Where its timers belong: without counting as work, and beneath a strand over an
    /// `io_context`.
    boost::asio::any_io_executor for_timers() const;

    /// The function may run, and destroy this object, before `post` returns.
    template <class Function>
    void post(Function function) const
    {
        switch (kind_) {
        case kind::io:
            return boost::asio::post(io_executor(io_), std::move(function));
        case kind::strand:
            return boost::asio::post(io_strand(strand_), std::move(function));
        case kind::other:
            return post_to(boost::asio::any_io_executor(*other_), std::move(function));
        }
    }

private:
    enum class kind : unsigned char { io, strand, other };

    void hold(const io_executor& executor) noexcept
    {
        ::new (static_cast<void*>(&io_)) io_executor(executor);
        kind_ = kind::io;
    }
    void hold(const io_strand& executor) noexcept
    {
        ::new (static_cast<void*>(&strand_)) io_strand(executor);
        kind_ = kind::strand;
    }
    void look_beneath(const boost::asio::any_io_executor& executor);
    boost::asio::execution_context& other_context() const;
    void let_go() noexcept;

    // Not a variant: that would take eight bytes more in every waiter.
    union {
        io_executor io_;
        io_strand strand_;
        // On the heap, because it is large and rare.
        const boost::asio::any_io_executor* other_;
    };
    kind kind_;
};

} // namespace weir::detail
