#pragma once

#include <weir/detail/own_timer.hpp>
#include <weir/policy/detail/keyed_core.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <optional>

namespace weir::detail {

/// The core of a keyed semaphore with the timer that ends its holds.
template <class Key, class Hash>
class keyed_state final : public own_timer, public keyed_core<Key, Hash> {
public:
    keyed_state(const boost::asio::any_io_executor& executor, const key_options& options,
                std::optional<std::size_t> wide)
        : own_timer(executor), keyed_core<Key, Hash>(options, wide)
    {
    }

private:
    time_point now() const noexcept override { return own_timer::now(); }
    void tick_changed() noexcept override { this->look_again(); }

    time_point next_due() noexcept override { return this->next_tick(); }
    void due() noexcept override { this->tick(own_timer::now()); }
    // Holds that cannot be timed end now: early is better than never.
    void lost(int) noexcept override { this->tick(time_point::max() - duration(1)); }
    void context_gone() noexcept override { this->close(); }
};

} // namespace weir::detail
