#include <weir/run/cancel.hpp>

#include <algorithm>

namespace weir {

const char* to_string(cancel_reason reason) noexcept
{
    switch (reason) {
    case cancel_reason::none:
        return "none";
    case cancel_reason::requested:
        return "requested";
    case cancel_reason::deadline:
        return "deadline";
    case cancel_reason::sibling_failed:
        return "sibling_failed";
    case cancel_reason::overload:
        return "overload";
    case cancel_reason::shutdown:
        return "shutdown";
    }
    return "unknown";
}

bool detail::cancel_state::fire(cancel_reason why) noexcept
{
    cancel_reason before = cancel_reason::none;
    if (why == cancel_reason::none || !reason.compare_exchange_strong(before, why))
        return false;
    fired.set();
    if (on_fired != nullptr)
        on_fired(*this);
    return true;
}

// A state is fired once, so it is in one line at most, and the line needs no memory of its own.
bool detail::cancel_state::cancel(std::shared_ptr<cancel_state> root, cancel_reason why) noexcept
{
    if (!root->fire(why))
        return false;
    cancel_state* last = root.get();
    for (std::shared_ptr<cancel_state> s = std::move(root); s != nullptr;) {
        std::vector<std::weak_ptr<cancel_state>> linked;
        {
            std::lock_guard lock(s->mutex);
            linked.swap(s->children);
        }
        for (const auto& weak : linked)
            if (auto child = weak.lock(); child != nullptr && child->fire(why)) {
                cancel_state* const added = child.get();
                last->next = std::move(child);
                last = added;
            }
        std::shared_ptr<cancel_state> next = std::move(s->next);
        s = std::move(next);
    }
    return true;
}

void detail::cancel_state::link(const std::shared_ptr<cancel_state>& child)
{
    {
        // `cancel` sets the reason before it takes the lock: it either sees the new child, or its
        // reason is seen here.
        std::lock_guard lock(mutex);
        if (reason.load() == cancel_reason::none) {
            if (children.size() >= forget_at) {
                looked_at += children.size();
                std::erase_if(children, [](const auto& weak) { return weak.expired(); });
                forget_at = std::max<std::size_t>(16, 2 * children.size());
            }
            children.push_back(child);
            return;
        }
    }
    cancel(child, reason.load());
}

void detail::cancel_state::link(const cancel_token& parent,
                                const std::shared_ptr<cancel_state>& child)
{
    if (parent.state_)
        parent.state_->link(child);
}

cancel_link::cancel_link(const cancel_token& token, boost::asio::any_io_executor executor)
    : token_(token)
{
    call_.start([this] { signal_.emit(boost::asio::cancellation_type::terminal); },
                [&](auto handler) { token_.async_wait(std::move(executor), std::move(handler)); });
}

} // namespace weir
