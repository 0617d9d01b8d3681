#pragma once

#include "stress/matrix/place.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir::test {

/// What happened to one operation.
struct trace {
    std::atomic<int> called{0};
    std::atomic<int> handlers{0};  // objects alive
    std::atomic<int> memory{0};    // blocks of the handler's allocator alive
    std::atomic<int> inside{0};    // calls inside the initiating function
    std::atomic<int> elsewhere{0}; // calls that were not on the handler's executor
    std::atomic<int> too_early{0}; // calls before the operation's memory was freed
    const place* where = nullptr;  // of the handler's executor

    bool is_over() const noexcept { return called != 0 || handlers == 0; }

    /// Set on a thread while it is in an initiating function.
    static inline thread_local bool initiating = false;
};

template <class T>
class traced_allocator {
public:
    using value_type = T;

    explicit traced_allocator(trace& counted) noexcept : trace_(&counted) {}
    template <class U>
    traced_allocator(const traced_allocator<U>& other) noexcept : trace_(other.trace_)
    {
    }

    T* allocate(std::size_t n)
    {
        ++trace_->memory;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* memory, std::size_t n) noexcept
    {
        --trace_->memory;
        std::allocator<T>().deallocate(memory, n);
    }

    template <class U>
    bool operator==(const traced_allocator<U>& other) const noexcept
    {
        return trace_ == other.trace_;
    }

private:
    template <class>
    friend class traced_allocator;
    trace* trace_;
};

/// What every probe does, whatever its executor.
class any_probe {
public:
    using allocator_type = traced_allocator<void>;

    explicit any_probe(trace& t) noexcept : trace_(&t) { ++trace_->handlers; }
    any_probe(any_probe&& other) noexcept : trace_(other.trace_) { ++trace_->handlers; }
    any_probe& operator=(any_probe&&) = delete;
    ~any_probe() { --trace_->handlers; }

    allocator_type get_allocator() const noexcept { return allocator_type(*trace_); }

    template <class... Args>
    void operator()(Args...)
    {
        if (trace::initiating)
            ++trace_->inside;
        if (trace_->where != nullptr && !trace_->where->running_here())
            ++trace_->elsewhere;
        if (trace_->memory != 0)
            ++trace_->too_early;
        ++trace_->called;
    }

private:
    trace* trace_;
};

/// A handler with an executor of its own, of this type.
template <class Executor>
class probe : public any_probe {
public:
    using executor_type = Executor;

    probe(trace& t, Executor executor) : any_probe(t), executor_(std::move(executor)) {}

    executor_type get_executor() const noexcept { return executor_; }

private:
    Executor executor_;
};

/// A handler with none.
template <>
class probe<void> : public any_probe {
public:
    using any_probe::any_probe;
};

} // namespace weir::test
