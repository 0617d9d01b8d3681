#include <weir/flow/detail/stage/stage_state.hpp>

#include <boost/asio/cancellation_type.hpp>

#include <algorithm>
#include <vector>

namespace weir::detail {

stage_state::stage_state(limit limit, const stage_options& options)
    : limit_(limit.count()),
      window_(limit_ + std::min(options.queue(), std::numeric_limits<std::size_t>::max() - limit_)),
      ordered_(options.order() == order::kept)
{
}

std::shared_ptr<stage_state::worker> stage_state::enter()
{
    auto w = std::make_shared<worker>();
    w->place = workers_.insert(workers_.end(), w);
    ++live_;
    return w;
}

void stage_state::left(worker& w) noexcept
{
    w.running = false;
    workers_.erase(w.place);
    if (--live_ == 0)
        consumer_.wake_all();
}

void stage_state::end_of_source()
{
    ended_ = true;
    idle_.wake_all();
    consumer_.wake_all();
}

template <class Which>
void stage_state::cancel(Which which)
{
    // A worker may end, and leave the list, while it is being told.
    const std::vector<std::shared_ptr<worker>> told(workers_.begin(), workers_.end());
    for (const auto& w : told)
        if (w->running && which(*w))
            w->signal.emit(boost::asio::cancellation_type::terminal);
    idle_.wake_all();
    consumer_.wake_all();
}

void stage_state::cancel_after(std::uint64_t number)
{
    cancel([this, number](const worker& w) {
        return ordered_ ? w.number > number : w.number != number;
    });
}

void stage_state::cancel_all()
{
    cancel([](const worker&) { return true; });
}

} // namespace weir::detail
