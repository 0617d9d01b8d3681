#include <weir/http/simulated_network.hpp>

#include <weir/http/detail/step_of.hpp>
#include <weir/sim/stream.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <utility>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using state = io_step::state;

using detail::step_of;

class simulated_transport final : public transport {
public:
    explicit simulated_transport(sim::stream&& line) : line_(std::move(line)) {}

    io_step try_read(char* to, std::size_t size) override
    {
        error_code error;
        const auto n = line_.try_read(asio::buffer(to, size), error);
        return step_of(n, error, state::wait_read);
    }

    io_step try_write(const char* from, std::size_t size) override
    {
        error_code error;
        const auto n = line_.try_write(asio::buffer(from, size), error);
        return step_of(n, error, state::wait_write);
    }

    io_step peek() override
    {
        if (line_.available() != 0)
            return io_step(state::done, 1);
        char none = 0;
        return try_read(&none, 1); // there is no byte to take
    }

    asio::awaitable<error_code> wait(state what) override
    {
        error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        if (what == state::wait_write)
            co_await line_.async_wait_writable(token);
        else
            co_await line_.async_wait_readable(token);
        co_return error;
    }

private:
    sim::stream line_;
};

/// A handshake of round trips; then the bytes as they are.
class modelled_session final : public secure_session {
public:
    modelled_session(transport& line, const simulated_tls& how) : line_(line), how_(how) {}

    io_step handshake() override
    {
        for (; done_ < how_.round_trips(); ++done_) {
            char byte = 'h';
            if (!asked_) {
                const io_step sent = line_.try_write(&byte, 1);
                if (sent.what != state::done)
                    return sent;
                asked_ = true;
            }
            const io_step got = line_.try_read(&byte, 1);
            if (got.what != state::done)
                return got;
            asked_ = false;
        }
        if (how_.fault().empty())
            return io_step(state::done);
        return io_step(state::failed, error_code(asio::error::connection_aborted));
    }

    io_step read(char* to, std::size_t size) override { return line_.try_read(to, size); }
    io_step write(const char* from, std::size_t size) override
    {
        return line_.try_write(from, size);
    }
    bool has_pending() const override { return false; }
    std::string fault() const override { return how_.fault(); }

private:
    transport& line_;
    const simulated_tls how_;
    unsigned done_ = 0;
    bool asked_ = false;
};

/// Calls `told` with what an operation of the simulated network completes with, unless it is
/// given up before.
template <class Told>
class answer {
public:
    explicit answer(Told told) : told_(std::move(told)) {}

    /// Called as the handler of the operation, on the client's executor.
    template <class... Args>
    void give(Args&&... args)
    {
        const auto told = std::exchange(told_, nullptr);
        if (told)
            told(std::forward<Args>(args)...);
    }
    void give_up()
    {
        told_ = nullptr;
        stop_.emit(asio::cancellation_type::terminal);
    }
    asio::cancellation_slot slot() { return stop_.slot(); }

private:
    Told told_;
    asio::cancellation_signal stop_;
};

class simulated_attempt final : public network::attempt {
public:
    simulated_attempt(sim::context& here, sim::network& all, const tcp::endpoint& to,
                      network::connected told)
        : answer_(std::make_shared<answer<network::connected>>(std::move(told)))
    {
        auto ended = [own = answer_](const error_code& error, sim::stream line) {
            if (error)
                own->give(error, nullptr);
            else
                own->give(error, std::make_unique<simulated_transport>(std::move(line)));
        };
        all.async_connect(here, to, asio::bind_cancellation_slot(answer_->slot(), ended));
    }
    ~simulated_attempt() override { answer_->give_up(); }

private:
    std::shared_ptr<answer<network::connected>> answer_;
};

class simulated_names final : public name_source {
public:
    simulated_names(sim::context& here, sim::network& all) : here_(here), all_(all) {}
    ~simulated_names() override
    {
        for (const auto& each : *asked_)
            each.second->give_up();
    }

    ticket ask(const std::string& name, address_family which, then told) override
    {
        const ticket number = ++last_;
        const auto one = std::make_shared<answer<then>>(std::move(told));
        asked_->emplace(number, one);
        auto ended = [all = asked_, one, number](const error_code& error,
                                                 sim::network::addresses found) {
            all->erase(number);
            one->give(error ? name_answer(error)
                            : name_answer(std::move(found), std::chrono::minutes(1)));
        };
        all_.async_resolve(here_, name, which == address_family::v6 ? tcp::v6() : tcp::v4(),
                           asio::bind_cancellation_slot(one->slot(), ended));
        return number;
    }

    void abandon(ticket number) noexcept override
    {
        const auto found = asked_->find(number);
        if (found == asked_->end())
            return;
        const auto one = found->second;
        asked_->erase(found);
        one->give_up();
    }

private:
    using questions = std::map<ticket, std::shared_ptr<answer<then>>>;

    sim::context& here_;
    sim::network& all_;
    std::shared_ptr<questions> asked_ = std::make_shared<questions>();
    ticket last_ = 0;
};

} // namespace

simulated_tls& simulated_tls::round_trips(unsigned count) noexcept
{
    round_trips_ = count;
    return *this;
}

simulated_tls& simulated_tls::fails(std::string why)
{
    fault_ = std::move(why);
    return *this;
}

void simulated_network::tls(const std::string& host, simulated_tls how)
{
    tls_[host] = std::move(how);
}

simulated_network::simulated_network(sim::context& here, sim::network& all)
    : here_(here), all_(all), names_(std::make_shared<simulated_names>(here, all))
{
}

std::unique_ptr<network::attempt> simulated_network::connect(const tcp::endpoint& to,
                                                             connected told)
{
    return std::make_unique<simulated_attempt>(here_, all_, to, std::move(told));
}

std::unique_ptr<secure_session> simulated_network::secure(transport& line, const url& target)
{
    return std::make_unique<modelled_session>(line, tls_[target.host()]);
}

} // namespace weir::http
