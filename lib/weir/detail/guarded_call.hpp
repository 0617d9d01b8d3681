#pragma once

#include <weir/detail/guarded_signal.hpp>
#include <weir/error.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace weir::detail {

/// Waits for something and then calls a function, unless this object is gone by then.
///
/// The function is the handler of an operation of the signature `void(error_code)`. Destroying this
/// object cancels the operation; the function is called only when the operation completed before
/// that, with or without an error.
///
/// Threads: start, cancel and destroy it on the serial executor where the operation completes.
class guarded_call {
    struct pending;

public:
    /// The operation's handler. It has one type whatever the function, so that an operation with it
    /// is compiled once.
    class handler {
    public:
        using cancellation_slot_type = boost::asio::cancellation_slot;
        /// `start` throws when there is no memory for the wait.
        static constexpr bool throws_without_memory = true;

        explicit handler(std::shared_ptr<pending> shared) noexcept;
        handler(handler&&) noexcept;
        handler& operator=(handler&&) = delete;
        ~handler(); // also of an operation that is dropped by its context

        cancellation_slot_type get_cancellation_slot() const noexcept;
        void operator()(const error_code& error);

    private:
        std::shared_ptr<pending> shared_;
    };

    guarded_call() = default;
    guarded_call(guarded_call&&) noexcept = default;
    guarded_call& operator=(guarded_call&& other) noexcept
    {
        if (this != &other) {
            cancel();
            pending_ = std::move(other.pending_);
        }
        return *this;
    }
    ~guarded_call() { cancel(); }

    /// `initiate(handler)` starts the operation.
    template <class Function, class Initiate>
    void start(Function function, Initiate&& initiate)
    {
        cancel();
        pending_ = std::make_shared<pending_function<Function>>(std::move(function));
        initiate(handler(pending_));
    }

    /// The same for a plain function and what it works on.
    template <class Initiate>
    void start(void (*function)(void*), void* target, Initiate&& initiate)
    {
        cancel();
        pending_ = make_pending(function, target);
        initiate(handler(pending_));
    }

    void cancel() noexcept
    {
        if (pending_)
            cancel_pending();
    }

private:
    struct pending {
        pending() = default;
        pending(const pending&) = delete;
        pending& operator=(const pending&) = delete;
        virtual ~pending();

        virtual void call() = 0;
        /// The function is not needed any more: it may hold what must go.
        virtual void forget() noexcept {}

        guarded_signal signal;
        bool wanted = true;
    };

    template <class Function>
    struct pending_function final : pending {
        explicit pending_function(Function f) : function(std::move(f)) {}

        void call() override
        {
            Function called(std::move(*function));
            function.reset();
            called();
        }
        void forget() noexcept override { function.reset(); }

        std::optional<Function> function;
    };

    static std::shared_ptr<pending> make_pending(void (*function)(void*), void* target);
    void cancel_pending() noexcept; // not inline: nearly always there is none

    std::shared_ptr<pending> pending_;
};

} // namespace weir::detail
