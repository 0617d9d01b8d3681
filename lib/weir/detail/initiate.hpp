#pragma once

#include <boost/asio/async_result.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// The function object that Asio calls to start one of our operations. `get_executor` is the
/// executor for a handler that has none of its own; without it adaptors such as
/// `as_tuple(use_awaitable)` do not compile.
template <class Owner, class Start>
class initiation {
public:
    using executor_type = typename Owner::executor_type;

    initiation(const Owner& owner, Start start) : owner_(&owner), start_(std::move(start)) {}

    executor_type get_executor() const noexcept { return owner_->get_executor(); }

    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const
    {
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        start_(*owner_, std::move(own), std::forward<Args>(args)...);
    }

private:
    const Owner* owner_;
    [[no_unique_address]] Start start_;
};

/// As `initiation`, for an operation that belongs to no object: `start` gets the executor first.
template <class Executor, class Start>
class initiation_at {
public:
    using executor_type = Executor;

    initiation_at(Executor executor, Start start)
        : executor_(std::move(executor)), start_(std::move(start))
    {
    }

    executor_type get_executor() const noexcept { return executor_; }

    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const
    {
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        start_(executor_, std::move(own), std::forward<Args>(args)...);
    }

private:
    Executor executor_;
    Start start_;
};

/// As `initiation_at`, where the executor is one that several objects share: the initiation holds
/// no strand. `start` gets the `own_executor` first.
template <class Own, class Start>
class initiation_shared {
public:
    using executor_type = typename Own::executor_type;

    initiation_shared(std::shared_ptr<const Own> own, Start start)
        : own_(std::move(own)), start_(std::move(start))
    {
    }

    executor_type get_executor() const noexcept { return own_->get(); }

    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const
    {
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        start_(*own_, std::move(own), std::forward<Args>(args)...);
    }

private:
    std::shared_ptr<const Own> own_;
    Start start_;
};

/// Starts an operation of `owner` with this signature, by the rules of the token. That calls
/// `start(owner, handler, args...)`, with the handler as an rvalue of a decayed type. `start` need
/// not capture the owner, so that a deferred operation in a coroutine frame stays small.
///
/// Lifetime: `owner` must live until the operation has started; a deferred one starts later. Until
///           then `args` are kept with the operation, so that a value to send moves with it.
template <class Signature, class Owner, class Token, class Start, class... Args>
auto initiate(const Owner& owner, Token& token, Start start, Args&&... args)
{
    return boost::asio::async_initiate<Token, Signature>(
        initiation<Owner, Start>(owner, std::move(start)), token, std::forward<Args>(args)...);
}

/// As `initiate`, where the executor is shared: `start(own, handler, args...)`.
template <class Signature, class Own, class Token, class Start, class... Args>
auto initiate_shared(std::shared_ptr<const Own> own, Token& token, Start start, Args&&... args)
{
    return boost::asio::async_initiate<Token, Signature>(
        initiation_shared<Own, Start>(std::move(own), std::move(start)), token,
        std::forward<Args>(args)...);
}

/// As `initiate`, for an operation that belongs to no object: `start(executor, handler, args...)`.
template <class Signature, class Executor, class Token, class Start, class... Args>
auto initiate_at(Executor executor, Token& token, Start start, Args&&... args)
{
    return boost::asio::async_initiate<Token, Signature>(
        initiation_at<Executor, Start>(std::move(executor), std::move(start)), token,
        std::forward<Args>(args)...);
}

} // namespace weir::detail
