#include <weir/sim/network.hpp>

#include <weir/sim/detail/pipe.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>

namespace weir::sim {

namespace asio = boost::asio;
using asio::ip::tcp;

class network::state {
public:
    /// Counts a descriptor for as long as it lives.
    class descriptor {
    public:
        explicit descriptor(std::shared_ptr<state> s) : state_(std::move(s)) { ++state_->open; }
        descriptor(const descriptor&) = delete;
        descriptor& operator=(const descriptor&) = delete;
        ~descriptor() { --state_->open; }

    private:
        std::shared_ptr<state> state_;
    };

    struct name {
        addresses found;
        duration delay{};
        std::map<bool, std::pair<error_code, duration>> fails; // by whether it is IPv6
    };
    struct machine {
        context* there = nullptr; // none: it fails
        server serve;
        stream_options options;
        error_code why;
        duration delay{};
    };

    explicit state(world& w) : all(w) {}

    world& all;
    std::map<std::string, name> names;
    std::map<endpoint, machine> machines;
    std::size_t most_open = SIZE_MAX;
    std::size_t open = 0;
    std::size_t accepted = 0;
};

network::network(world& w) : state_(std::make_shared<state>(w)) {}

network::~network() = default;

void network::add_name(std::string name, addresses found, duration delay)
{
    auto& entry = state_->names[std::move(name)];
    entry.found = std::move(found);
    entry.delay = delay;
}

void network::fail_name(std::string name, tcp family, error_code why, duration delay)
{
    state_->names[std::move(name)].fails[family == tcp::v6()] = {why, delay};
}

void network::add_server(endpoint at, context& there, server serve, const stream_options& options)
{
    auto& entry = state_->machines[at] = state::machine();
    entry.there = &there;
    entry.serve = std::move(serve);
    entry.options = options;
}

void network::fail_server(endpoint at, error_code why, duration delay)
{
    auto& entry = state_->machines[at] = state::machine();
    entry.why = why;
    entry.delay = delay;
}

void network::silence_server(endpoint at)
{
    fail_server(at, asio::error::timed_out, std::chrono::seconds(127));
}

void network::limit_descriptors(std::size_t most)
{
    state_->most_open = most;
}

std::size_t network::descriptors() const noexcept
{
    return state_->open;
}

std::size_t network::accepted() const noexcept
{
    return state_->accepted;
}

network::pending<network::addresses> network::look_up(const std::string& name, tcp family) const
{
    const auto fails = [](error_code why) {
        return [why](error_code& error) {
            if (!error)
                error = why;
            return addresses();
        };
    };
    const auto entry = state_->names.find(name);
    if (entry == state_->names.end())
        return {duration::zero(), fails(asio::error::host_not_found)};
    const bool six = family == tcp::v6();
    const auto failure = entry->second.fails.find(six);
    if (failure != entry->second.fails.end())
        return {failure->second.second, fails(failure->second.first)};
    addresses found;
    std::copy_if(entry->second.found.begin(), entry->second.found.end(), std::back_inserter(found),
                 [six](const asio::ip::address& each) { return each.is_v6() == six; });
    if (found.empty())
        return {entry->second.delay, fails(asio::error::no_data)};
    const auto succeeds = [found](error_code& error) { return error ? addresses() : found; };
    return {entry->second.delay, succeeds};
}

network::pending<stream> network::attempt(context& here, const endpoint& to) const
{
    const auto own = state_;
    const auto fails = [&here](error_code why, std::shared_ptr<void> held = nullptr) {
        return [&here, why, held](error_code& error) {
            if (!error)
                error = why;
            return stream(here);
        };
    };
    if (own->open >= own->most_open)
        return {duration::zero(), fails(asio::error::no_descriptors)};
    std::shared_ptr<void> counted = std::make_shared<state::descriptor>(own);
    const auto found = own->machines.find(to);
    if (found == own->machines.end())
        return {duration::zero(), fails(asio::error::connection_refused, counted)};
    const state::machine& at = found->second;
    if (at.there == nullptr)
        return {at.delay, fails(at.why, counted)};
    const auto connects = [&here, own, at, counted](error_code& error) {
        if (error)
            return stream(here);
        auto [near, far] = stream_pair(here, *at.there, at.options);
        near.descriptor_ = counted;
        ++own->accepted;
        auto serve = [serve = at.serve, end = std::move(far)]() mutable { serve(std::move(end)); };
        asio::post(at.there->get_executor(), std::move(serve));
        return std::move(near);
    };
    return {detail::choose_delay(own->all, at.options), connects};
}

} // namespace weir::sim
