#include <weir/http/detail/ares_source.hpp>

#include <weir/detail/own_executor.hpp>
#include <weir/http/detail/local_names.hpp>
#include <weir/http/detail/name_servers.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <ares.h>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;
using weir::detail::own_any_executor;

constexpr int first_timeout_ms = 1000; // doubled with each try
constexpr int tries = 3;
// One socket has all answers: those of a burst do not fit in the usual 208 KiB.
constexpr int receive_buffer = 1 << 20;

error_code error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return {};
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
    case ARES_EBADNAME:
        return asio::error::host_not_found;
    case ARES_ENODATA:
        return asio::error::no_data;
    case ARES_ENOMEM:
        return asio::error::no_memory;
    case ARES_ETIMEOUT:
        return asio::error::timed_out;
    default: // SERVFAIL, too: c-ares says of it that the connection was refused
        return asio::error::host_not_found_try_again;
    }
}

name_answer answer_of(int status, const ares_addrinfo* found)
{
    if (status != ARES_SUCCESS || found == nullptr)
        return name_answer(error_of(status == ARES_SUCCESS ? ARES_ENODATA : status));
    name_answer answer;
    int ttl = 24 * 3600;
    for (const auto* each = found->cnames; each != nullptr; each = each->next)
        ttl = std::min(ttl, each->ttl);
    for (const auto* each = found->nodes; each != nullptr; each = each->ai_next) {
        asio::ip::tcp::endpoint where;
        if (each->ai_addrlen > where.capacity())
            continue;
        ttl = std::min(ttl, each->ai_ttl);
        std::memcpy(where.data(), each->ai_addr, each->ai_addrlen);
        answer.found.push_back(where.address());
    }
    answer.ttl = std::chrono::seconds(ttl);
    if (answer.found.empty())
        answer.error = asio::error::no_data;
    return answer;
}

/// As `ares_set_servers_ports_csv` reads them.
std::string comma_separated(const std::vector<std::string>& servers)
{
    std::ostringstream out;
    for (const std::string& each : servers)
        out << (&each == &servers.front() ? "" : ",") << parse_name_server(each).value();
    return out.str();
}

} // namespace

/// Between c-ares and Asio. c-ares calls back from inside any of its functions, those that start or
/// end a look-up too; so a callback only posts, and no function of c-ares is called in one.
class ares_source::driver : public std::enable_shared_from_this<driver> {
public:
    driver(const asio::any_io_executor& executor, const std::vector<std::string>& servers)
        : servers_(comma_separated(servers)),
          home_(
              executor, std::shared_ptr<void>(std::shared_ptr<void>(), this),
              [](void* self) noexcept { static_cast<driver*>(self)->close(); },
              own_any_executor::bare::is_dropped)
    {
    }
    ~driver() { close(); }

    ticket ask(const std::string& name, address_family which, then told);
    void abandon(ticket asked) noexcept;
    /// Ends all look-ups; none is answered any more.
    void close() noexcept;

private:
    /// What c-ares gives back with an answer.
    struct query {
        query(driver* o, ticket t) : owner(o), asked(t) {}
        driver* owner;
        ticket asked;
    };
    /// A descriptor of c-ares, which opens and closes it. It is only watched here.
    struct watched {
        watched(const asio::any_io_executor& executor, unsigned g) : wrap(executor), generation(g)
        {
        }
        asio::posix::stream_descriptor wrap;
        unsigned generation; // numbers of descriptors come back
        std::array<bool, 2> wanted{};
        std::array<bool, 2> waiting{};
    };
    enum side { reading, writing };

    bool open();
    static void on_answer(void* arg, int status, int, ares_addrinfo* found) noexcept;
    void answer_later(ticket asked, name_answer answer);
    void deliver(ticket asked, const name_answer& answer);
    void drop_abandoned() noexcept;

    void socket_state(int descriptor, bool read, bool write) noexcept;
    watched* find(int descriptor, unsigned generation);
    void watch(int descriptor, watched& what);
    void ready(int descriptor, unsigned generation, side which, const error_code& error);

    void touched() noexcept;
    void set_timer();

    local_names local_;
    const std::string servers_;
    ares_channel channel_ = nullptr;
    std::map<int, watched> sockets_;
    unsigned last_generation_ = 0;
    std::map<ticket, then> asked_; // that were not abandoned
    ticket last_ = 0;
    std::size_t in_ares_ = 0; // look-ups, the abandoned too
    alarm timer_;
    bool touched_ = false;
    own_any_executor home_;
};

bool ares_source::driver::open()
{
    if (channel_ != nullptr)
        return true;
    static const int library = ares_library_init(ARES_LIB_INIT_ALL);
    if (library != ARES_SUCCESS)
        return false;
    ares_options options{};
    options.timeout = first_timeout_ms;
    options.tries = tries;
    char dns_only[] = "b";
    options.lookups = dns_only;
    options.ndomains = 0;
    options.socket_receive_buffer_size = receive_buffer;
    options.sock_state_cb_data = this;
    options.sock_state_cb = [](void* self, int descriptor, int read, int write) {
        static_cast<driver*>(self)->socket_state(descriptor, read != 0, write != 0);
    };
    int which = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_RCVBUF |
                ARES_OPT_SOCK_STATE_CB;
    if (!servers_.empty())
        which |= ARES_OPT_DOMAINS; // none
    if (ares_init_options(&channel_, &options, which) != ARES_SUCCESS) {
        channel_ = nullptr;
        return false;
    }
    if (servers_.empty() || ares_set_servers_ports_csv(channel_, servers_.c_str()) == ARES_SUCCESS)
        return true;
    ares_destroy(std::exchange(channel_, nullptr));
    return false;
}

name_source::ticket ares_source::driver::ask(const std::string& name, address_family which,
                                             then told)
{
    const ticket mine = ++last_;
    if (home_.is_gone())
        return mine;
    asked_.emplace(mine, std::move(told));
    if (auto local = local_.find(name, which)) {
        answer_later(mine, std::move(*local));
        return mine;
    }
    if (!open()) {
        answer_later(mine, name_answer(error_code(asio::error::no_recovery)));
        return mine;
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = which == address_family::v6 ? AF_INET6 : AF_INET;
    hints.ai_flags = ARES_AI_NOSORT; // sorting opens a socket for each address
    ++in_ares_;
    ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &on_answer, new query(this, mine));
    touched();
    return mine;
}

void ares_source::driver::on_answer(void* arg, int status, int, ares_addrinfo* found) noexcept
{
    const std::unique_ptr<query> ended(static_cast<query*>(arg));
    const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> freed(found, ares_freeaddrinfo);
    driver& self = *ended->owner;
    --self.in_ares_;
    if (self.asked_.count(ended->asked) != 0)
        self.answer_later(ended->asked, answer_of(status, found));
}

void ares_source::driver::answer_later(ticket asked, name_answer answer)
{
    const auto kept = home_.keep();
    if (!kept)
        return;
    auto tell = [self = weak_from_this(), asked, answer = std::move(answer)] {
        if (const auto alive = self.lock())
            alive->deliver(asked, answer);
    };
    asio::post(home_.get(kept), std::move(tell));
}

void ares_source::driver::deliver(ticket asked, const name_answer& answer)
{
    const auto found = asked_.extract(asked);
    if (found.empty())
        return; // abandoned meanwhile
    drop_abandoned();
    found.mapped()(answer);
}

void ares_source::driver::abandon(ticket asked) noexcept
{
    if (asked_.erase(asked) != 0)
        drop_abandoned();
}

// ares_cancel ends all look-ups, so it is only right when none has a waiter. Without it, those
// that were abandoned would keep the context from running out of work for seconds.
void ares_source::driver::drop_abandoned() noexcept
{
    if (!asked_.empty() || in_ares_ == 0)
        return;
    ares_cancel(channel_);
    touched();
}

void ares_source::driver::close() noexcept
{
    asked_.clear();
    if (channel_ != nullptr)
        ares_destroy(std::exchange(channel_, nullptr));
}

void ares_source::driver::socket_state(int descriptor, bool read, bool write) noexcept
{
    auto at = sockets_.find(descriptor);
    if (!read && !write) { // c-ares closes it right after this
        if (at != sockets_.end()) {
            at->second.wrap.release();
            sockets_.erase(at);
        }
        return;
    }
    const auto kept = home_.keep();
    if (!kept)
        return;
    if (at == sockets_.end()) {
        at = sockets_.try_emplace(descriptor, home_.get(kept), ++last_generation_).first;
        error_code error;
        at->second.wrap.assign(descriptor, error);
        if (error) { // not watched: its look-ups end by their time
            sockets_.erase(at);
            return;
        }
    }
    at->second.wanted = {read, write};
    watch(descriptor, at->second);
}

void ares_source::driver::watch(int descriptor, watched& what)
{
    for (const side each : {reading, writing}) {
        if (!what.wanted[each] || std::exchange(what.waiting[each], true))
            continue;
        auto then = [self = weak_from_this(), descriptor, generation = what.generation,
                     each](const error_code& error) {
            if (const auto alive = self.lock())
                alive->ready(descriptor, generation, each, error);
        };
        using descriptor_base = asio::posix::descriptor_base;
        what.wrap.async_wait(each == reading ? descriptor_base::wait_read
                                             : descriptor_base::wait_write,
                             std::move(then));
    }
}

ares_source::driver::watched* ares_source::driver::find(int descriptor, unsigned generation)
{
    const auto at = sockets_.find(descriptor);
    const bool is_there = at != sockets_.end() && at->second.generation == generation;
    return is_there ? &at->second : nullptr;
}

void ares_source::driver::ready(int descriptor, unsigned generation, side which,
                                const error_code& error)
{
    watched* what = find(descriptor, generation);
    if (what == nullptr)
        return; // of a descriptor that was closed
    what->waiting[which] = false;
    if (error)
        return;
    ares_process_fd(channel_, which == reading ? descriptor : ARES_SOCKET_BAD,
                    which == writing ? descriptor : ARES_SOCKET_BAD);
    // c-ares may have closed it, and opened another with its number.
    what = find(descriptor, generation);
    if (what != nullptr)
        watch(descriptor, *what);
    touched();
}

// ares_timeout looks at every query, so it is asked once a turn, not once for each query.
void ares_source::driver::touched() noexcept
{
    const auto kept = home_.keep();
    if (!kept || std::exchange(touched_, true))
        return;
    asio::post(home_.get(kept), [self = weak_from_this()] {
        if (const auto alive = self.lock())
            alive->set_timer();
    });
}

void ares_source::driver::set_timer()
{
    touched_ = false;
    const auto kept = home_.keep();
    if (!kept || channel_ == nullptr)
        return;
    timeval buffer{};
    const timeval* left = ares_timeout(channel_, nullptr, &buffer);
    if (left == nullptr)
        return timer_.cancel();
    // c-ares has a clock of its own, in whole milliseconds, and may say 0 for the last of them.
    const duration length = std::chrono::seconds(left->tv_sec) +
                            std::chrono::microseconds(left->tv_usec) + std::chrono::milliseconds(1);
    auto then = [this] {
        ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        touched();
    };
    const auto& executor = home_.get(kept);
    try {
        timer_ = alarm(executor, saturating_add(now(executor), length), std::move(then));
    } catch (const boost::system::system_error&) {
        ares_cancel(channel_); // without a clock nothing would end: all look-ups fail
    }
}

ares_source::ares_source(const asio::any_io_executor& executor,
                         const std::vector<std::string>& servers)
    : driver_(std::make_shared<driver>(executor, servers))
{
}

// A handler of the driver's own may be what destroys it: the driver lives until that has returned.
ares_source::~ares_source()
{
    driver_->close();
}

name_source::ticket ares_source::ask(const std::string& name, address_family which, then told)
{
    return driver_->ask(name, which, std::move(told));
}

void ares_source::abandon(ticket asked) noexcept
{
    driver_->abandon(asked);
}

} // namespace weir::http::detail
