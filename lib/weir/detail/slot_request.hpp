#pragma once

#include <boost/asio/cancellation_type.hpp>

namespace weir::detail {

/// The function of a waiting operation in a cancellation slot. Either may go first: where a context
/// is destroyed, its operations are, and newer versions of Asio keep a coroutine, and its slots, a
/// while longer.
///
/// `Target` has `slot_request<Target>* request_`, which is null at first and calls `forget` as it
/// goes, and `cancelled`.
/// Threads: as the slot.
template <class Target>
class slot_request {
public:
    explicit slot_request(Target& target) noexcept : target_(&target) { target.request_ = this; }
    slot_request(const slot_request&) = delete;
    slot_request& operator=(const slot_request&) = delete;
    ~slot_request()
    {
        if (target_ != nullptr)
            target_->request_ = nullptr;
    }

    // All three types mean the same: nothing happens before the operation succeeds.
    void operator()(boost::asio::cancellation_type type) const
    {
        if (target_ != nullptr && type != boost::asio::cancellation_type::none)
            target_->cancelled();
    }

    void forget() noexcept { target_ = nullptr; }

private:
    Target* target_;
};

} // namespace weir::detail
