#include <weir/http/detail/sessions.hpp>

#include <weir/error.hpp>
#include <weir/http/detail/route.hpp>
#include <weir/run/assume_serial.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace weir::http::detail {

namespace asio = boost::asio;

namespace {

/// How often idle sessions are looked at, as curl does.
constexpr duration look_interval = std::chrono::seconds(1);

session_pool::limits limits_of(const client_options& options)
{
    return {options.per_host().count(), options.max_idle(), options.idle_timeout()};
}

void add(timings& to, const timings& more)
{
    to.dns += more.dns;
    to.connect += more.connect;
    to.tls += more.tls;
}

} // namespace

sessions::sessions(asio::any_io_executor executor, std::shared_ptr<network> lines,
                   const client_options& options)
    : executor_(executor),
      home_(executor, nullptr, nullptr, weir::detail::own_any_executor::bare::is_dropped),
      per_host_(options.per_host()), ways_(options.network()), rules_(limits_of(options)),
      connector_(
          executor, std::move(lines), options,
          [this] {
              const bool closed = close_oldest();
              if (!closed && ask_others_)
                  ask_others_();
              return closed;
          },
          [this] { return rules_.in_use() != 0 || (others_hold_ && others_hold_()); })
{
}

bool sessions::close_oldest()
{
    const bool closed = rules_.close_oldest(now(executor_));
    perform();
    return closed;
}

/// How many connections its origin may have. Those to a proxy that forwards are of all origins,
/// and have no limit.
limit sessions::most_of(const url& target) const
{
    if (forwarder_of(ways_, target))
        return unlimited;
    const auto found = limits_of_origins_.find(target.origin());
    return found == limits_of_origins_.end() ? per_host_ : found->second;
}

void sessions::close_idle()
{
    const auto kept = home_.keep();
    if (!kept)
        return; // its context has gone, and closed them
    rules_.close_idle(now(executor_));
    perform();
}

bool sessions::has_free(const std::string& origin) const
{
    if (ways_.through().empty())
        return rules_.has_free(origin);
    const auto target = url::parse(origin);
    return target && rules_.has_free(pool_key(ways_, *target));
}

/// Tells a request that waits how far its session is: the one that it is opened for or, when that
/// has left, the next.
class sessions::teller final : public connect_observer {
public:
    teller(sessions& of, session_id which) : of_(of), which_(which) {}

    void enter(phase which) override
    {
        const auto found = of_.sessions_.find(which_);
        if (found != of_.sessions_.end())
            found->second.at = which;
        if (journey* trip = told())
            trip->enter(which);
    }
    void missed(const endpoint& address, const error_code& error) override
    {
        if (journey* trip = told())
            trip->missed(address, error);
    }
    void found(const endpoint& address) override
    {
        if (journey* trip = told())
            trip->found(address);
    }

private:
    journey* told() const
    {
        const auto found = of_.sessions_.find(which_);
        if (found == of_.sessions_.end() || found->second.told == 0)
            return nullptr;
        return &of_.claims_.at(found->second.told)->trip_;
    }

    sessions& of_;
    session_id which_;
};

asio::awaitable<void> sessions::open(std::shared_ptr<sessions> self, session_id which, url target)
{
    teller by(*self, which);
    timings took;
    std::unique_ptr<connection> line;
    std::exception_ptr error;
    try {
        line = co_await self->connector_.open(self, target, took, by);
    } catch (...) {
        error = std::current_exception();
    }
    if (error)
        self->failed(which, took, std::move(error));
    else
        self->opened(which, std::move(line), took);
}

void sessions::opened(session_id which, std::unique_ptr<connection> line, const timings& took)
{
    const auto found = sessions_.find(which);
    if (found == sessions_.end())
        return; // it was closed meanwhile
    found->second.line = std::move(line);
    found->second.took = took;
    found->second.is_new = true;
    orphan(found->second);
    found->second.opening.reset(); // it has nothing left to cancel
    rules_.opened(which, 1, now(executor_));
    perform();
    const auto still = sessions_.find(which);
    if (still != sessions_.end())
        still->second.is_new = false;
}

void sessions::failed(session_id which, const timings& took, std::exception_ptr error)
{
    const auto found = sessions_.find(which);
    if (found == sessions_.end())
        return;
    orphan(found->second);
    sessions_.erase(found);
    failure_ = std::move(error);
    failed_after_ = took;
    rules_.failed(which, now(executor_));
    perform();
    failure_ = nullptr;
}

/// Does what the rules say. What that leads to is done in the same loop, not inside it.
void sessions::perform()
{
    if (gone_ || std::exchange(performing_, true))
        return;
    {
        struct last_line { // also when there is no memory
            ~last_line() { performing = false; }
            bool& performing;
        };
        const last_line here{performing_};
        while (const auto what = rules_.next())
            perform(*what);
    }
    find_heirs();
    arm_reaper();
}

void sessions::perform(const session_pool::action& what)
{
    using kind = session_pool::action::kind;
    switch (what.what) {
    case kind::open:
        begin_opening(what.session, what.request);
        break;
    case kind::serve:
        serve(what.request, what.session);
        break;
    case kind::fail: {
        claim& waiting = *claims_.at(what.request);
        leave_opening(waiting);
        forget(what.request);
        waiting.id_ = 0;
        waiting.error_ = failure_;
        waiting.failed_after_ = failed_after_;
        if (waiting.news_)
            waiting.news_->set();
        break;
    }
    case kind::close:
        close(what.session);
        break;
    }
}

/// What cannot be begun has failed.
void sessions::begin_opening(session_id which, request_id by)
{
    std::exception_ptr error;
    try {
        session& one = sessions_[which];
        claim& first = *claims_.at(by);
        leave_opening(first);
        join(which, one, first);
        one.opening = std::make_unique<scope>(assume_serial(executor_));
        one.opening->spawn(open(shared_from_this(), which, first.what_.target()));
        return;
    } catch (...) {
        error = std::current_exception();
    }
    failed(which, timings(), std::move(error));
}

void sessions::join(session_id which, session& one, claim& waiting)
{
    one.told = waiting.id_;
    waiting.opening_ = which;
    ++told_;
}

/// The request that was told of it needs another.
void sessions::orphan(session& one)
{
    const request_id told = std::exchange(one.told, 0);
    if (told == 0)
        return;
    --told_;
    claims_.at(told)->opening_ = 0;
    unserved_.push_back(told);
}

void sessions::tell(session_id which, session& one, claim& heir)
{
    join(which, one, heir);
    heir.trip_.enter(phase::name); // its time for a connection begins
    if (one.at != phase::name)
        heir.trip_.enter(one.at);
}

/// The request needs its opening no more; another that waits may.
void sessions::leave_opening(claim& waiting)
{
    const session_id which = std::exchange(waiting.opening_, 0);
    const auto found = sessions_.find(which);
    if (which == 0 || found == sessions_.end())
        return;
    found->second.told = 0;
    --told_;
    untold_.push_back(which);
}

/// Sessions whose request has left tell the first that waits and has none, so that its time limits
/// count; and requests that have lost their session find another.
void sessions::find_heirs()
{
    for (const session_id which : std::exchange(untold_, {})) {
        const auto found = sessions_.find(which);
        if (found == sessions_.end() || found->second.line || found->second.told != 0)
            continue;
        if (told_ == rules_.waiting())
            continue; // each has one
        for (const request_id next : rules_.waiting_for(which)) {
            claim& heir = *claims_.at(next);
            if (heir.opening_ == 0) {
                tell(which, found->second, heir);
                break;
            }
        }
    }
    std::vector<request_id> unserved;
    unserved.swap(unserved_);
    for (const request_id which : unserved) {
        const auto found = claims_.find(which);
        if (found == claims_.end() || found->second->used_ || found->second->opening_ != 0)
            continue;
        const auto& opening = rules_.opening_for(which);
        for (auto next = opening.rbegin(); next != opening.rend(); ++next) // the newest is free
            if (session& one = sessions_.at(*next); one.told == 0) {
                tell(*next, one, *found->second);
                break;
            }
        if (found->second->opening_ == 0)
            found->second->trip_.enter(phase::queue); // it waits for a place again
    }
    unserved.clear();
    if (unserved_.empty())
        unserved_.swap(unserved); // its memory, for the next time
}

void sessions::close(session_id which)
{
    const auto found = sessions_.find(which);
    if (found == sessions_.end())
        return;
    orphan(found->second);
    auto opening = std::move(found->second.opening);
    sessions_.erase(found);
    // A coroutine is cancelled by its context's steps; they may not be under way.
    if (const auto kept = home_.keep(); kept && opening)
        asio::dispatch(home_.get(kept), [ended = std::move(opening)] {});
}

void sessions::serve(request_id which, session_id by)
{
    session& one = sessions_.at(by);
    claim& waiting = *claims_.at(which);
    // A server may have closed it while it was idle, or said something that nobody asked for.
    if (!one.is_new && !one.line->is_quiet()) {
        rules_.drain(by, now(executor_));
        rules_.put_back(which, now(executor_));
        unserved_.push_back(which);
        return;
    }
    leave_opening(waiting);
    waiting.used_ = &one;
    waiting.reused_ = rules_.is_used(by);
    waiting.sent_before_ = one.line->sent();
    if (waiting.news_)
        waiting.news_->set();
}

void sessions::arm_reaper()
{
    const auto next = rules_.next_expiry();
    if (!next && rules_.in_use() != 0)
        return; // soon
    if (!next) {
        reaper_.cancel();
        reaps_at_.reset();
        return;
    }
    if (reaps_at_ && *reaps_at_ <= *next)
        return; // it looks again then
    // A watch on each of them would cost every request an operation of its reactor.
    reaps_at_ = std::min(*next, saturating_add(now(executor_), look_interval));
    try {
        reaper_ = alarm(executor_, *reaps_at_, [this] { look(); });
    } catch (const system_error&) {
        reaps_at_.reset(); // the next session that rests tries again
    }
}

/// Closes the idle sessions whose time is over, whose server has closed them, or has said something
/// that nobody asked for.
void sessions::look()
{
    reaps_at_.reset();
    rules_.reap(now(executor_));
    for (const session_id which : rules_.resting()) {
        const auto found = sessions_.find(which);
        if (found != sessions_.end() && !found->second.line->is_quiet())
            rules_.drain(which, now(executor_));
    }
    perform();
}

/// For one more claim: entering it does not fail.
void sessions::make_room()
{
    if (!spare_) {
        claims one;
        one.emplace(0, nullptr);
        spare_ = one.extract(one.begin());
    }
    if (claims_.size() + 1 > static_cast<std::size_t>(claims_.max_load_factor() *
                                                      static_cast<float>(claims_.bucket_count())))
        claims_.reserve(2 * claims_.size() + 1);
    if (unserved_.size() == unserved_.capacity())
        unserved_.reserve(2 * unserved_.size() + 1);
}

void sessions::enter(request_id which, claim& by)
{
    spare_.key() = which;
    spare_.mapped() = &by;
    claims_.insert(std::move(spare_));
    unserved_.push_back(which);
}

sessions::claim::claim(std::shared_ptr<sessions> owner, const request& what, journey& trip)
    : owner_(std::move(owner)), what_(what), trip_(trip)
{
    const auto again =
        is_idempotent(what.method()) ? session_pool::repeatable::yes : session_pool::repeatable::no;
    const network_options& ways = owner_->ways_;
    owner_->make_room(); // what is asked for must be known by its answer
    id_ = owner_->rules_.ask(pool_key(ways, what.target()), again, now(owner_->executor_),
                             owner_->most_of(what.target()).count());
    owner_->enter(id_, *this);
    try {
        owner_->perform();
    } catch (...) {
        drop(); // there is no memory, and no destructor will run
        throw;
    }
}

sessions::claim::~claim()
{
    if (id_ != 0)
        drop(); // its coroutine was dropped
}

/// If that was not for the end of the context, others go on.
void sessions::claim::drop()
{
    release();
    if (const auto kept = owner_->home_.keep())
        asio::post(owner_->home_.get(kept), [owner = owner_] { owner->perform(); });
    else
        owner_->gone_ = true;
}

processed sessions::claim::processed_of(processed what) const
{
    return used_ && used_->line->sent() != sent_before_ ? what : processed::no;
}

void sessions::claim::begin(timings& took) const
{
    if (!reused_)
        add(took, used_->took);
}

asio::awaitable<void> sessions::claim::wait(timings& took)
{
    error_code error;
    if (!used_ && !error_) {
        news_.emplace();
        co_await news_->async_wait(owner_->executor_,
                                   asio::redirect_error(asio::use_awaitable, error));
        news_.reset();
    }
    if (error_) {
        add(took, failed_after_);
        std::rethrow_exception(std::exchange(error_, nullptr));
    }
    if (error)
        throw boost::system::system_error(error);
    begin(took);
}

bool sessions::claim::ended(const response& answer, duration idle_for)
{
    const auto then =
        idle_for > duration::zero() ? session_pool::after::keep : session_pool::after::close;
    if (!what_.body().can_be_sent()) // may throw: the session is still this one's then
        owner_->rules_.spend(id_);
    used_ = nullptr;
    const bool again =
        owner_->rules_.ended(id_, answer.processed, then, idle_for, now(owner_->executor_));
    if (again) {
        trip_.begin_again(answer.error);
        owner_->unserved_.push_back(id_);
    } else {
        owner_->forget(std::exchange(id_, 0));
    }
    owner_->perform();
    return again;
}

void sessions::claim::give_up()
{
    if (id_ == 0)
        return;
    release();
    owner_->perform();
}

void sessions::claim::release()
{
    const auto at = now(owner_->executor_);
    const auto which = std::exchange(id_, 0);
    owner_->leave_opening(*this);
    owner_->forget(which);
    if (processed_of(processed::yes) != processed::no)
        owner_->rules_.ended(which, processed::yes, session_pool::after::close, duration::zero(),
                             at);
    else
        owner_->rules_.leave(which, at);
}

} // namespace weir::http::detail
