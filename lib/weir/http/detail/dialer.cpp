#include <weir/http/detail/dialer.hpp>

#include <weir/error.hpp>
#include <weir/http/detail/address_race.hpp>
#include <weir/http/error.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <list>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::string text_of(const tcp::endpoint& where)
{
    std::ostringstream out;
    out << where;
    return out.str();
}

/// Whether no descriptor or memory is left on this machine, for a moment.
bool is_shortage(const error_code& error)
{
    namespace e = boost::system::errc;
    return error == e::too_many_files_open || error == e::too_many_files_open_in_system ||
           error == e::no_buffer_space || error == e::not_enough_memory;
}

} // namespace

/// The attempts of one race, and what became of them. What happens is only noted here; the
/// coroutine is woken, and acts.
class dialer::race : public std::enable_shared_from_this<race> {
public:
    race(asio::any_io_executor executor, network& lines, address_race rule, std::uint16_t port,
         address_filter allow, std::shared_ptr<std::size_t> attempts)
        : executor_(std::move(executor)), network_(lines), rule_(std::move(rule)), port_(port),
          allow_(std::move(allow)), attempts_(std::move(attempts)), news_(executor_)
    {
        news_.add();
    }
    race(const race&) = delete;
    race& operator=(const race&) = delete;
    ~race()
    {
        if (won_)
            --*attempts_;
    }

    void answered(address_family which, const name_answer& answer);
    /// Starts what is due.
    void step();
    /// Waits until there is something to do.
    asio::awaitable<void> wait();
    /// Ends all attempts. Nothing is noted after that.
    void close() noexcept
    {
        while (!running_.empty())
            end(running_.begin());
    }

    bool has_begun() const noexcept { return begun_; }
    bool is_over() const { return winner_ || rule_.lost(); }
    std::unique_ptr<transport>& winner() noexcept { return winner_; }
    const tcp::endpoint& last() const noexcept { return last_; }
    /// The addresses that failed since the last call.
    std::vector<std::pair<tcp::endpoint, error_code>> take_missed()
    {
        return std::exchange(missed_, {});
    }
    /// Whether it was lost because this machine has no descriptors or ports left.
    /// `v6_works`: a connection over IPv6 was made before. A machine without IPv6 has no address
    /// for one, and says the same of it as one that has no port left.
    bool was_short(bool v6_works) const noexcept { return no_descriptor_ || had_no_port(v6_works); }
    bool had_no_port(bool v6_works) const noexcept
    {
        return no_port_v4_ || (no_port_v6_ && !tried_v4_ && v6_works);
    }
    failure why(const std::string& host) const;

private:
    struct attempt {
        unsigned id;
        tcp::endpoint to;
        std::unique_ptr<network::attempt> made;
    };

    addresses allowed(addresses all);
    void begin(const asio::ip::address& where);
    void end(std::list<attempt>::iterator at) noexcept
    {
        running_.erase(at);
        --*attempts_;
    }
    void ended(unsigned id, const error_code& error, std::unique_ptr<transport> line);
    void failed(const tcp::endpoint& to, const error_code& error);
    void tell();

    asio::any_io_executor executor_;
    network& network_;
    address_race rule_;
    const std::uint16_t port_;
    const address_filter allow_;
    const std::shared_ptr<std::size_t> attempts_; // of all races, and the winners not taken yet
    wait_group news_;                             // one until there is news
    bool told_ = false;
    bool begun_ = false;
    unsigned last_id_ = 0;
    std::list<attempt> running_; // the oldest first
    std::unique_ptr<transport> winner_;
    bool won_ = false;
    tcp::endpoint last_; // that succeeded or failed
    std::vector<std::pair<tcp::endpoint, error_code>> missed_;
    error_code error_;
    std::optional<asio::ip::address> refused_; // by the filter
    error_code unknown_[2];                    // why there is no address of the family
    bool no_descriptor_ = false;
    bool no_port_v4_ = false;
    bool no_port_v6_ = false;
    bool tried_v4_ = false;
};

void dialer::race::answered(address_family which, const name_answer& answer)
{
    unknown_[which == address_family::v6 ? 1 : 0] = answer.error;
    rule_.answered(which, allowed(answer.found), now(executor_));
    tell();
}

/// Those that may be connected to. They are looked at for each connection: what is known of a name
/// may be older than the filter's mind.
addresses dialer::race::allowed(addresses all)
{
    if (!allow_)
        return all;
    std::erase_if(all, [this](const asio::ip::address& each) {
        const bool refused = !allow_(each);
        if (refused)
            refused_ = each;
        return refused;
    });
    return all;
}

void dialer::race::tell()
{
    if (!std::exchange(told_, true))
        news_.done();
}

asio::awaitable<void> dialer::race::wait()
{
    error_code error;
    co_await news_.async_wait_until(rule_.next(), asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted)
        throw boost::system::system_error(error);
    if (std::exchange(told_, false))
        news_.add();
}

void dialer::race::step()
{
    while (!winner_) {
        const auto where = rule_.start(now(executor_));
        if (!where)
            return;
        if (running_.size() == rule_.running())
            end(running_.begin()); // all places were taken: the oldest gives up its own
        begin(*where);
    }
}

void dialer::race::begin(const asio::ip::address& where)
{
    begun_ = true;
    tried_v4_ = tried_v4_ || where.is_v4();
    const tcp::endpoint to(where, port_);
    auto told = [self = shared_from_this(), id = ++last_id_](const error_code& error,
                                                             std::unique_ptr<transport> line) {
        self->ended(id, error, std::move(line));
    };
    running_.push_back(attempt{last_id_, to, network_.connect(to, std::move(told))});
    ++*attempts_;
}

void dialer::race::ended(unsigned id, const error_code& error, std::unique_ptr<transport> line)
{
    const auto at = std::find_if(running_.begin(), running_.end(),
                                 [id](const attempt& each) { return each.id == id; });
    if (at == running_.end() || winner_)
        return; // given up, or too late
    const tcp::endpoint to = at->to;
    if (error) {
        end(at);
        failed(to, error);
    } else {
        running_.erase(at);
        won_ = true;
        last_ = to;
        winner_ = std::move(line);
    }
    tell();
}

void dialer::race::failed(const tcp::endpoint& to, const error_code& error)
{
    last_ = to;
    error_ = error;
    missed_.emplace_back(to, error);
    no_descriptor_ = no_descriptor_ || is_shortage(error);
    if (error == boost::system::errc::address_not_available)
        (to.protocol() == tcp::v4() ? no_port_v4_ : no_port_v6_) = true;
    rule_.failed(now(executor_));
}

failure dialer::race::why(const std::string& host) const
{
    if (begun_)
        return failure(
            error_class::connect,
            "cannot connect to " + host + " (" + text_of(last_) + "): " + error_.message(), error_);
    if (refused_)
        return failure(error_class::blocked,
                       "connecting to " + host + " is not allowed: its address " +
                           refused_->to_string() + " is refused by the address filter",
                       make_error_code(boost::system::errc::permission_denied));
    const bool v4_says_little = !unknown_[0] || unknown_[0] == asio::error::no_data;
    const error_code error = v4_says_little && unknown_[1] ? unknown_[1] : unknown_[0];
    return failure(error_class::dns,
                   "cannot find the address of " + host + ": " +
                       (error ? error.message() : "no address"),
                   error);
}

dialer::dialer(asio::any_io_executor executor, network& lines, address_book& book,
               const client_options& options, std::function<bool()> make_room,
               std::function<bool()> holds_any)
    : executor_(std::move(executor)), network_(lines), book_(book),
      attempt_delay_(options.attempt_delay()), rules_(options.network()),
      make_room_(std::move(make_room)), holds_any_(std::move(holds_any))
{
}

asio::awaitable<dialer::dialed> dialer::connect(std::string host, std::uint16_t port,
                                                std::optional<time_point>& looked_up,
                                                connect_observer& by)
{
    unsigned hopeless = 0;
    for (duration pause = std::chrono::milliseconds(20);;
         pause = std::min<duration>(2 * pause, std::chrono::seconds(1))) {
        const bool was_alone = !holds_any_();
        const auto this_race = std::make_shared<race>(
            executor_, network_, address_race(attempt_delay_, book_.first(host)), port,
            rules_.allow(), attempts_);
        co_await run(this_race, host, port, looked_up, by);
        if (auto& winner = this_race->winner()) {
            book_.prefer(host, this_race->last().address());
            v6_works_ = v6_works_ || this_race->last().address().is_v6();
            by.found(this_race->last());
            dialed made = {std::move(winner), this_race->last()};
            co_return made;
        }
        if (!this_race->was_short(v6_works_))
            throw failed(this_race->why(host));
        if (make_room_())
            continue;
        // What the client had may have been closed just now: once more, before this is the end.
        const bool is_alone = was_alone && !holds_any_() && *attempts_ == 0;
        hopeless = is_alone && !this_race->had_no_port(v6_works_) ? hopeless + 1 : 0;
        if (hopeless == 2)
            throw failed(this_race->why(host));
        co_await async_sleep_for(executor_, pause, asio::use_awaitable);
    }
}

asio::awaitable<void> dialer::run(std::shared_ptr<race> this_race, std::string host,
                                  std::uint16_t port, std::optional<time_point>& looked_up,
                                  connect_observer& by)
{
    class closing {
    public:
        explicit closing(race& r) : closed_(r) {}
        ~closing() { closed_.close(); }

    private:
        race& closed_;
    };
    const closing at_the_end(*this_race);
    const auto six = look_up(this_race, host, port, address_family::v6);
    const auto four = look_up(this_race, host, port, address_family::v4);
    for (;;) {
        this_race->step();
        if (this_race->has_begun() && !looked_up) {
            looked_up = now(executor_);
            by.enter(phase::connect);
        }
        for (const auto& [to, error] : this_race->take_missed())
            by.missed(to, error);
        if (this_race->is_over())
            co_return;
        co_await this_race->wait();
    }
}

address_book::wait dialer::look_up(const std::shared_ptr<race>& this_race, const std::string& host,
                                   std::uint16_t port, address_family which)
{
    if (const auto answer = given(host, port, which)) {
        this_race->answered(which, *answer);
        return {};
    }
    if (const name_answer* known = book_.known(host, which)) {
        this_race->answered(which, *known);
        return {};
    }
    auto told = [this_race, which](const name_answer& answer) {
        this_race->answered(which, answer);
    };
    return book_.ask(host, which, std::move(told));
}

std::optional<name_answer> dialer::given(const std::string& host, std::uint16_t port,
                                         address_family which) const
{
    const name_answer none{error_code(asio::error::no_data)};
    if (rules_.only() && *rules_.only() != which)
        return none;
    addresses all;
    error_code not_an_address;
    const auto literal = asio::ip::make_address(host, not_an_address);
    if (const addresses* mapped = rules_.hosts().find(host, port))
        all = *mapped;
    else if (!not_an_address)
        all.push_back(literal);
    else
        return std::nullopt;
    std::erase_if(
        all, [which](const auto& each) { return each.is_v6() != (which == address_family::v6); });
    return all.empty() ? none : name_answer(std::move(all), duration::max());
}

} // namespace weir::http::detail
