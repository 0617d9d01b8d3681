#include <weir/flow/detail/stage/stage_state.hpp>

#include <boost/asio/cancellation_type.hpp>

#include <algorithm>
#include <vector>

#include <new>
namespace weir::detail {

stage_state::stage_state(limit limit, const stage_options& options)
    : limit_(limit.count()),
      window_(limit_ +
              std::min(options.results(), std::numeric_limits<std::size_t>::max() - limit_)),
      ordered_(options.order() == order::kept)
{
}

std::shared_ptr<stage_state::puller> stage_state::add_puller()
{
    auto p = std::make_shared<puller>();
    p->place = pullers_.insert(pullers_.end(), p);
    ++live_;
    return p;
}

void stage_state::puller_ended(puller& p) noexcept
{
    p.running = false;
    pullers_.erase(p.place);
    if (--live_ == 0)
        consumer_.wake_all();
}

void stage_state::source_ended()
{
    ended_ = true;
    idle_.wake_all();
    consumer_.wake_all();
}

template <class Which>
void stage_state::cancel(Which which)
{
    // Any puller may end, and leave the list, during an emission.
    std::vector<std::shared_ptr<puller>> all;
    try {
        all.assign(pullers_.begin(), pullers_.end());
    } catch (const std::bad_alloc&) {
        for (const auto& p : pullers_)
            p->to_cancel = p->to_cancel || (p->running && which(*p));
        const auto next = [this] {
            return std::find_if(pullers_.begin(), pullers_.end(),
                                [](const auto& p) { return p->to_cancel; });
        };
        for (auto at = next(); at != pullers_.end(); at = next()) {
            const std::shared_ptr<puller> p = *at;
            p->to_cancel = false;
            p->signal.emit(boost::asio::cancellation_type::terminal);
        }
    }
    for (const auto& p : all)
        if (p->running && which(*p))
            p->signal.emit(boost::asio::cancellation_type::terminal);
    idle_.wake_all();
    consumer_.wake_all();
}

void stage_state::cancel_after(std::uint64_t number)
{
    cancel([this, number](const puller& p) {
        return ordered_ ? p.number > number : p.number != number;
    });
}

void stage_state::cancel_all()
{
    cancel([](const puller&) { return true; });
}

} // namespace weir::detail
