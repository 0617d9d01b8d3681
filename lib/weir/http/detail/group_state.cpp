#include <weir/http/detail/group_state.hpp>

#include <weir/http/detail/client_limits.hpp>
#include <weir/http/error.hpp>
#include <weir/time/clock.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

namespace weir::http::detail {
namespace {

/// The part of a number that each of `of` has; the first ones have one more.
std::size_t part_of(std::size_t whole, std::size_t of, std::size_t which)
{
    return whole / of + (which < whole % of ? 1 : 0);
}

} // namespace

group_state::group_state(const std::vector<any_executor>& runners,
                         const client_group_options& options, const network_maker& lines)
    : size_(runners.size())
{
    if (runners.empty())
        throw std::invalid_argument("weir::http::client_group: there must be at least 1 runner");
    client_options each = options.client();
    const auto limits = std::make_shared<client_limits>(runners.front(), each);
    std::vector<group_part> parts(size_, group_part{limits, {}});
    for (const auto& [origin, homes] : options.spreads())
        add_spread(origin, homes, each.per_host(), *limits, parts);
    const std::size_t idle = each.max_idle();
    for (std::size_t i = 0; i != size_; ++i) {
        each.max_idle(idle == 0 ? 0 : std::max<std::size_t>(1, part_of(idle, size_, i)));
        homes_.push_back(std::make_shared<group_home>(
            runners[i], i, each, lines ? lines(runners[i]) : nullptr, std::move(parts[i])));
    }
}

void group_state::add_spread(const std::string& origin, std::size_t homes, limit per_host,
                             client_limits& limits, std::vector<group_part>& parts)
{
    homes = std::min({homes, size_, per_host.count()});
    if (homes < 2)
        return;
    spread& made = spreads_[origin];
    made.first = std::hash<std::string>()(origin) % size_;
    made.loads = std::vector<std::atomic<std::size_t>>(homes);
    for (std::size_t i = 0; i != homes; ++i) {
        const limit most =
            per_host.is_unlimited() ? per_host : limit(part_of(per_host.count(), homes, i));
        std::string place = origin + " " + std::to_string(i);
        if (!limits.places.override_key(place, most))
            throw std::invalid_argument("weir::http::client_group: too many origins are spread");
        parts[(made.first + i) % size_].shares.emplace(origin,
                                                       origin_share{most, std::move(place)});
    }
}

void group_state::introduce()
{
    for (const auto& each : homes_)
        each->introduce(weak_from_this());
}

std::size_t group_state::home_of(const url& target) const
{
    return std::hash<std::string>()(target.origin()) % size_;
}

bool group_state::serves(std::size_t home, const url& target) const
{
    const auto found = spreads_.find(target.origin());
    if (found == spreads_.end())
        return home_of(target) == home;
    return (home + size_ - found->second.first) % size_ < found->second.loads.size();
}

void group_state::send(const std::shared_ptr<group_order>& order)
{
    if (order->is_over())
        return;
    if (const auto earlier = std::exchange(order->load_, nullptr))
        earlier->fetch_sub(1);
    std::size_t to = 0;
    const auto found = spreads_.find(order->target().origin());
    if (found == spreads_.end()) {
        to = home_of(order->target());
    } else {
        auto& loads = found->second.loads;
        const auto least =
            std::min_element(loads.begin(), loads.end(),
                             [](const auto& a, const auto& b) { return a.load() < b.load(); });
        least->fetch_add(1);
        order->load_ = &*least;
        to = (found->second.first + static_cast<std::size_t>(least - loads.begin())) % size_;
    }
    auto& home = homes_[to]->executor();
    if (const auto kept = home.keep(); kept && !std::exchange(order->begun_, true))
        order->way_.started = now(home.get(kept));
    order->way_.leaves = [weak = weak_from_this(), to](const url& target) {
        const auto group = weak.lock();
        return group && !group->serves(to, target);
    };
    order->at_.store(to);
    if (!homes_[to]->push(group_home::message{group_home::message::kind::start, order}))
        order->fail(error_class::aborted, "the client group was destroyed, or its runner stopped");
}

void group_state::cancel(const std::shared_ptr<group_order>& order, std::size_t home)
{
    tell(home, group_home::message{group_home::message::kind::cancel, order});
}

std::size_t group_state::ask_for_room(std::size_t home)
{
    std::size_t asked = 0;
    for (std::size_t i = 0; i != size_; ++i)
        if (i != home && homes_[i]->push(group_home::message{group_home::message::kind::make_room,
                                                             nullptr, home}))
            ++asked;
    return asked;
}

void group_state::close_idle()
{
    for (const auto& each : homes_)
        each->push(group_home::message{group_home::message::kind::close_idle});
}

void group_state::close()
{
    for (const auto& each : homes_)
        each->push(group_home::message{group_home::message::kind::close});
}

} // namespace weir::http::detail
