#pragma once

#include <weir/detail/guarded_signal.hpp>
#include <weir/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>

#include <memory>
#include <utility>

namespace weir::detail {

/// Calls a function when an operation has completed, unless this object is gone by then.
///
/// Shape: the operation has the signature `void(error_code)`. The function is called only if the
///        operation completes without an error. Destroying this object cancels the operation.
/// Threads: start, cancel and destroy it on the serial executor where the operation completes.
class guarded_call {
public:
    guarded_call() = default;
    guarded_call(guarded_call&&) noexcept = default;
    guarded_call& operator=(guarded_call&& other) noexcept
    {
        cancel();
        pending_ = std::move(other.pending_);
        return *this;
    }
    ~guarded_call() { cancel(); }

    /// `initiate(handler)` starts the operation.
    template <class Function, class Initiate>
    void start(Function function, Initiate&& initiate)
    {
        cancel();
        pending_ = std::make_shared<pending>();
        pending_->signal.begins();
        handler<Function> on_done(pending_, std::move(function));
        initiate(boost::asio::bind_cancellation_slot(pending_->signal.slot(), std::move(on_done)));
    }

    void cancel() noexcept
    {
        if (pending_)
            cancel_pending();
    }

private:
    struct pending {
        guarded_signal signal;
        bool wanted = true;
    };

    void cancel_pending() noexcept; // not inline: there is nearly always none

    template <class Function>
    struct handler {
        handler(std::shared_ptr<pending> p, Function f)
            : shared(std::move(p)), function(std::move(f))
        {
        }
        handler(handler&&) = default;
        handler(const handler&) = delete;
        handler& operator=(handler&&) = delete;

        // A context that drops an operation destroys its handler without calling it.
        ~handler()
        {
            if (shared)
                shared->signal.ended();
        }

        void operator()(const error_code& error)
        {
            shared->signal.ended();
            if (!error && shared->wanted)
                function();
        }

        std::shared_ptr<pending> shared;
        Function function;
    };

    std::shared_ptr<pending> pending_;
};

} // namespace weir::detail
