#pragma once

#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// A value, or an error that may be null, in the same storage: an outcome never has both, and is
/// moved through queues. Where a value's move throws, that exception is the error from there on: an
/// outcome arrives in any case.
template <class T>
class value_or_error {
public:
    value_or_error() noexcept : error_() {}
    explicit value_or_error(std::exception_ptr error) noexcept : error_(std::move(error)) {}

    value_or_error(value_or_error&& other) noexcept : error_() { take(std::move(other)); }
    value_or_error& operator=(value_or_error&& other) noexcept
    {
        if (this != &other) {
            set_error(nullptr);
            take(std::move(other));
        }
        return *this;
    }
    ~value_or_error() { clear(); }

    bool has_value() const noexcept { return has_value_; }
    T& value() noexcept { return value_; }
    /// Null when there is a value.
    std::exception_ptr error() const noexcept
    {
        if (has_value_)
            return nullptr;
        return error_;
    }

    /// The value is what the function returns. When that throws there is no value, and no error.
    template <class Function, class... Args>
    void make_value(Function&& function, Args&&... args)
    {
        clear();
        has_value_ = false;
        try {
            // In one expression: else g++ 12 copies a small value, and stalls on its parts.
            ::new (static_cast<void*>(std::addressof(value_)))
                T(function(std::forward<Args>(args)...));
        } catch (...) { // the half-made value overwrote the error
            ::new (static_cast<void*>(std::addressof(error_))) std::exception_ptr();
            throw;
        }
        has_value_ = true;
    }
    void set_error(std::exception_ptr error) noexcept
    {
        clear();
        ::new (static_cast<void*>(std::addressof(error_))) std::exception_ptr(std::move(error));
        has_value_ = false;
    }

private:
    // This one has no value, and a null error, whose destruction would do nothing.
    void take(value_or_error&& other) noexcept
    {
        if (!other.has_value_) {
            error_ = std::move(other.error_);
        } else if constexpr (std::is_nothrow_move_constructible_v<T>) {
            ::new (static_cast<void*>(std::addressof(value_))) T(std::move(other.value_));
            has_value_ = true;
        } else {
            try {
                make_value([&other]() -> T&& { return std::move(other.value_); });
            } catch (...) {
                error_ = std::current_exception();
            }
        }
    }
    void clear() noexcept
    {
        if (has_value_)
            value_.~T();
        else
            error_.~exception_ptr();
    }

    union {
        T value_;
        std::exception_ptr error_;
    };
    bool has_value_ = false;
};

} // namespace weir::detail
