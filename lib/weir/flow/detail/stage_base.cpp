#include <weir/flow/detail/stage_base.hpp>

#include <boost/asio/cancellation_type.hpp>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace weir::detail {

namespace {

std::size_t checked(std::size_t limit)
{
    if (limit == 0)
        throw std::invalid_argument("weir: a window or the limit of a stage is at least 1");
    return limit;
}

} // namespace

stage_base::stage_base(std::size_t limit, const stage_options& options)
    : limit_(checked(limit)),
      window_(limit + std::min(options.queue(), std::numeric_limits<std::size_t>::max() - limit)),
      ordered_(options.order() == order::kept)
{
}

std::shared_ptr<stage_base::worker> stage_base::enter()
{
    auto w = std::make_shared<worker>();
    w->place = workers_.insert(workers_.end(), w);
    ++live_;
    return w;
}

void stage_base::left(worker& w) noexcept
{
    w.running = false;
    workers_.erase(w.place);
    if (--live_ == 0)
        consumer_.wake_all();
}

void stage_base::end_of_source()
{
    ended_ = true;
    idle_.wake_all();
    consumer_.wake_all();
}

template <class Which>
void stage_base::cancel(Which which)
{
    // A worker may end, and leave the list, while it is being told.
    const std::vector<std::shared_ptr<worker>> told(workers_.begin(), workers_.end());
    for (const auto& w : told)
        if (w->running && which(*w))
            w->signal.emit(boost::asio::cancellation_type::terminal);
    idle_.wake_all();
    consumer_.wake_all();
}

void stage_base::cancel_after(std::uint64_t number)
{
    cancel([this, number](const worker& w) {
        return ordered_ ? w.number > number : w.number != number;
    });
}

void stage_base::cancel_all()
{
    cancel([](const worker&) { return true; });
}

} // namespace weir::detail
