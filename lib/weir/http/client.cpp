#include <weir/http/client.hpp>

#include <weir/http/detail/connector.hpp>
#include <weir/http/detail/idle_list.hpp>
#include <weir/http/detail/keep_alive.hpp>
#include <weir/http/detail/response_reader.hpp>
#include <weir/http/redirect.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/time/wait.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using detail::connection;
using detail::io_step;
using detail::response_reader;
using connection_ptr = std::unique_ptr<connection>;

constexpr std::size_t buffer_size = 64 * 1024;
/// Read of a redirect's body for the sake of its connection; a longer one costs the connection.
constexpr std::uint64_t redirect_body = 64 * 1024;
/// Reads in a row before others have their turn.
constexpr unsigned read_budget = 16;

/// How an attempt on a connection ended.
enum class attempt { answered, stale };

} // namespace

/// Shared by the client and the calls under way.
class client::state : public std::enable_shared_from_this<client::state> {
public:
    state(asio::any_io_executor executor, client_options options);

    static asio::awaitable<hop> step(std::shared_ptr<state> self, request what, body_sink sink);
    /// And nothing waits for their expiry any more: an alarm would keep the context from running
    /// out of work.
    void drop_idle();

    asio::any_io_executor executor;
    client_options options;
    detail::idle_list<connection_ptr> idle;
    std::size_t in_use = 0;

private:
    struct origin_slots {
        origin_slots(const asio::any_io_executor& ex, limit per_host) : room(ex, per_host) {}
        semaphore room;
        std::size_t users = 0;
    };

    /// Keeps an origin's limit alive while somebody is under it or waits for it.
    class origin_use {
    public:
        origin_use(state& owner, const std::string& origin);
        origin_use(const origin_use&) = delete;
        origin_use& operator=(const origin_use&) = delete;
        ~origin_use();
        semaphore& room() { return slots_->room; }

    private:
        state& owner_;
        const std::string& origin_;
        origin_slots* slots_;
    };

    /// A connection in use, counted.
    class lease {
    public:
        lease(state& owner, connection_ptr c) : owner_(owner), connection_(std::move(c))
        {
            ++owner_.in_use;
        }
        lease(const lease&) = delete;
        lease& operator=(const lease&) = delete;
        ~lease() { --owner_.in_use; }
        connection& operator*() { return *connection_; }
        connection* operator->() { return connection_.get(); }
        void replace(connection_ptr c) { connection_ = std::move(c); }
        connection_ptr take() { return std::move(connection_); }

    private:
        state& owner_;
        connection_ptr connection_;
    };

    asio::awaitable<void> exchange(const request& what, const body_sink& sink, hop& result,
                                   time_point started);
    asio::awaitable<attempt> talk(connection& line, const request& what, const body_sink& sink,
                                  hop& result, time_point started, bool& reusable);
    asio::awaitable<void> read_response(connection& line, const request& what,
                                        response_reader& reader, hop& result, time_point started);
    void head_arrived(const request& what, response_reader& reader, hop& result,
                      time_point started);
    connection_ptr take_idle(const std::string& origin);
    void keep(const std::string& origin, connection_ptr line, const headers& fields);
    void arm_reaper();

    detail::connector connector_;
    std::vector<char> buffer_; // filled and emptied between two suspensions
    std::unordered_map<std::string, std::unique_ptr<origin_slots>> origins_;
    alarm reaper_;
    bool reaper_armed_ = false;
};

client::state::state(asio::any_io_executor ex, client_options o)
    : executor(ex), options(std::move(o)), idle(options.max_idle()),
      connector_(ex, options, [this] { return idle.drop_oldest(); }), buffer_(buffer_size)
{
}

client::state::origin_use::origin_use(state& owner, const std::string& origin)
    : owner_(owner), origin_(origin)
{
    auto& kept = owner_.origins_[origin];
    if (!kept)
        kept = std::make_unique<origin_slots>(owner_.executor, owner_.options.per_host());
    slots_ = kept.get();
    ++slots_->users;
}

client::state::origin_use::~origin_use()
{
    if (--slots_->users == 0)
        owner_.origins_.erase(origin_);
}

asio::awaitable<hop> client::state::step(std::shared_ptr<state> self, request what, body_sink sink)
{
    hop result;
    const auto started = now(self->executor);
    std::optional<failure> failed_with;
    try {
        co_await self->exchange(what, sink, result, started);
    } catch (const failed& f) {
        failed_with = f.reason();
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted)
            failed_with = failure(error_class::aborted, "cancelled", e.code());
        else
            failed_with = failure(error_class::io, e.code().message(), e.code());
    } catch (const std::exception& e) {
        failed_with = failure(error_class::io, e.what());
    }
    if (failed_with) {
        result.answer.error = std::move(failed_with);
        result.next.reset();
    }
    result.answer.timings.total = now(self->executor) - started;
    co_return result;
}

asio::awaitable<void> client::state::exchange(const request& what, const body_sink& sink,
                                              hop& result, time_point started)
{
    const std::string& origin = what.target().origin();
    origin_use use(*this, origin);
    permit held = use.room().try_acquire();
    if (!held)
        held = co_await use.room().async_acquire(asio::use_awaitable);

    auto line = take_idle(origin);
    result.answer.reused = line != nullptr;
    if (!line)
        line = co_await connector_.open(what.target(), result.answer.timings);
    lease leased(*this, std::move(line));
    bool reusable = false;
    auto ended = co_await talk(*leased, what, sink, result, started, reusable);
    if (ended == attempt::stale && result.answer.reused && is_idempotent(what.method())) {
        // The server closed the connection while the request was on its way: once more, on a new
        // one.
        leased.replace(nullptr);
        result.answer = response();
        auto fresh = co_await connector_.open(what.target(), result.answer.timings);
        leased.replace(std::move(fresh));
        ended = co_await talk(*leased, what, sink, result, started, reusable);
    }
    if (result.next)
        result.answer.error.reset(); // what came after a redirect's header is not needed
    if (reusable)
        keep(origin, leased.take(), result.answer.fields);
}

asio::awaitable<attempt> client::state::talk(connection& line, const request& what,
                                             const body_sink& sink, hop& result, time_point started,
                                             bool& reusable)
{
    detail::response_limits limits;
    limits.header_bytes = options.max_header();
    limits.body_bytes = options.max_body();
    response_reader reader(what.method(), limits, sink, result.answer);
    const std::string head = wire_header(what, options.user_agent());
    const error_code unsent = co_await line.send(head);
    // A server may answer and close before it has read all: the answer counts.
    if (unsent == asio::error::operation_aborted)
        throw boost::system::system_error(unsent);
    co_await read_response(line, what, reader, result, started);
    if (!reader.started())
        co_return attempt::stale;
    reusable = reader.reusable();
    co_return attempt::answered;
}

asio::awaitable<void> client::state::read_response(connection& line, const request& what,
                                                   response_reader& reader, hop& result,
                                                   time_point started)
{
    using step_state = io_step::state;
    using reader_state = response_reader::state;
    bool more_likely = false;
    auto at = reader_state::more;
    for (unsigned reads = 1; at == reader_state::more; ++reads) {
        error_code error;
        if (!more_likely)
            error = co_await line.readable();
        else if (reads % read_budget == 0)
            co_await asio::post(executor, asio::use_awaitable);
        if (error == asio::error::operation_aborted)
            throw boost::system::system_error(error);

        io_step step(step_state::failed, error);
        if (!error)
            step = line.try_read(buffer_.data(), buffer_.size());
        std::string_view bytes(buffer_.data(), step.bytes);
        more_likely =
            step.what == step_state::done && (bytes.size() == buffer_.size() || line.has_pending());
        if (step.what == step_state::end || step.what == step_state::failed)
            at = reader.end(step.error);
        else
            at = reader.feed(bytes);
        if (at == reader_state::head) {
            head_arrived(what, reader, result, started);
            at = reader.feed(bytes);
        }
    }
}

void client::state::head_arrived(const request& what, response_reader& reader, hop& result,
                                 time_point started)
{
    result.answer.timings.first_byte = now(executor) - started;
    if (options.max_redirects() == 0)
        return;
    auto next = redirected(what, result.answer.status, result.answer.fields);
    if (!next)
        return;
    if (!*next)
        throw failed(next->error());
    result.next = std::move(**next);
    reader.discard_body(redirect_body);
}

connection_ptr client::state::take_idle(const std::string& origin)
{
    if (idle.size() == 0)
        return nullptr;
    for (;;) {
        auto taken = idle.take(origin, now(executor));
        if (!taken)
            return nullptr;
        if ((*taken)->is_quiet())
            return std::move(*taken);
    }
}

void client::state::keep(const std::string& origin, connection_ptr line, const headers& fields)
{
    const duration kept = detail::idle_time(fields, options.idle_timeout());
    if (kept <= duration::zero())
        return;
    idle.put(origin, std::move(line), saturating_add(now(executor), kept));
    if (!reaper_armed_)
        arm_reaper();
}

void client::state::arm_reaper()
{
    const auto next = idle.next_expiry();
    reaper_armed_ = next.has_value();
    if (!next)
        return;
    auto reap = [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->idle.drop_expired(now(self->executor));
            self->arm_reaper();
        }
    };
    reaper_ = alarm(executor, *next, std::move(reap));
}

void client::state::drop_idle()
{
    idle.clear();
    reaper_.cancel();
    reaper_armed_ = false;
}

client::client(executor_type executor, client_options options)
    : state_(std::make_shared<state>(std::move(executor), std::move(options)))
{
}

client::~client()
{
    state_->drop_idle();
}

client::executor_type client::get_executor() const noexcept
{
    return state_->executor;
}

asio::awaitable<hop> client::step(request what, body_sink sink)
{
    return state::step(state_, std::move(what), std::move(sink));
}

asio::awaitable<response> client::get(request what, body_sink sink)
{
    const auto self = state_;
    const auto started = now(self->executor);
    hop result;
    for (unsigned n = 0;; ++n) {
        result = co_await state::step(self, what, sink);
        if (!result.next)
            break;
        if (n == self->options.max_redirects()) {
            result.answer.error =
                failure(error_class::redirect, "more than " + std::to_string(n) + " redirects");
            break;
        }
        what = std::move(*result.next);
    }
    result.answer.timings.total = now(self->executor) - started;
    co_return std::move(result.answer);
}

std::size_t client::idle() const noexcept
{
    return state_->idle.size();
}

std::size_t client::open() const noexcept
{
    return state_->idle.size() + state_->in_use;
}

void client::close_idle()
{
    state_->drop_idle();
}

} // namespace weir::http
