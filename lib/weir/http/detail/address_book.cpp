#include <weir/http/detail/address_book.hpp>

#include <weir/time/clock.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <iterator>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

duration good_for(const name_answer& answer)
{
    if (!answer.error)
        return std::min(answer.ttl, address_book::longest);
    const bool sure =
        answer.error == asio::error::host_not_found || answer.error == asio::error::no_data;
    return sure ? address_book::negative : duration::zero();
}

} // namespace

struct address_book::waiter {
    waiter(key k, address_book::then t) : of(std::move(k)), told(std::move(t)) {}

    const key of;
    address_book::then told; // empty: was told, or has left
};

address_book::wait::wait(address_book& book, std::shared_ptr<waiter> self)
    : book_(&book), self_(std::move(self))
{
}

address_book::wait& address_book::wait::operator=(wait&& other) noexcept
{
    wait old(std::move(*this));
    book_ = other.book_;
    self_ = std::move(other.self_);
    return *this;
}

address_book::wait::~wait()
{
    if (self_ && self_->told)
        book_->leave(*self_);
}

address_book::address_book(asio::any_io_executor executor, std::shared_ptr<name_source> source)
    : executor_(std::move(executor)), source_(std::move(source))
{
}

address_book::~address_book()
{
    // The source may live a moment longer: in a call of its own that led here.
    for (const auto& [of, each] : pending_)
        source_->abandon(each.ticket);
}

const name_answer* address_book::known(const std::string& name, address_family which)
{
    const auto at = known_.find(key{name, which});
    if (at == known_.end())
        return nullptr;
    if (at->second.expires > now(executor_))
        return &at->second.answer;
    forget(at);
    return nullptr;
}

address_book::wait address_book::ask(const std::string& name, address_family which, then told)
{
    const key of{name, which};
    auto one = std::make_shared<waiter>(of, std::move(told));
    const auto [at, is_new] = pending_.try_emplace(of);
    at->second.waiters.push_back(one);
    if (is_new) {
        auto done = [this, of](const name_answer& answer) { answered(of, answer); };
        at->second.ticket = source_->ask(name, which, std::move(done));
    }
    return wait(*this, std::move(one));
}

void address_book::answered(const key& of, const name_answer& answer)
{
    auto ended = pending_.extract(of);
    keep(of, answer);
    // From here on nothing of this object: a waiter may destroy it.
    for (const auto& each : ended.mapped().waiters)
        if (const auto told = std::exchange(each->told, nullptr))
            told(answer);
}

void address_book::keep(const key& of, const name_answer& answer)
{
    const duration length = good_for(answer);
    if (const auto old = known_.find(of); old != known_.end())
        forget(old);
    if (length <= duration::zero())
        return;
    if (known_.size() == max_answers)
        forget(known_.find(*by_expiry_.begin()->second));
    const auto at = known_.try_emplace(of).first;
    at->second.answer = answer;
    at->second.expires = saturating_add(now(executor_), length);
    by_expiry_.emplace(at->second.expires, &at->first);
}

void address_book::forget(entries::iterator at)
{
    by_expiry_.erase({at->second.expires, &at->first});
    known_.erase(at);
}

void address_book::leave(waiter& one) noexcept
{
    one.told = nullptr;
    const auto at = pending_.find(one.of);
    if (at == pending_.end())
        return; // the others are being told just now
    auto& waiters = at->second.waiters;
    std::erase_if(waiters, [&one](const auto& each) { return each.get() == &one; });
    if (!waiters.empty())
        return;
    const auto ticket = at->second.ticket;
    pending_.erase(at);
    source_->abandon(ticket);
}

void address_book::prefer(const std::string& name, const asio::ip::address& good)
{
    const address_family its = good.is_v6() ? address_family::v6 : address_family::v4;
    const auto at = known_.find(key{name, its});
    if (at == known_.end())
        return;
    auto& list = at->second.answer.found;
    const auto place = std::find(list.begin(), list.end(), good);
    if (place == list.end())
        return;
    std::rotate(list.begin(), place, std::next(place));
    at->second.preferred = true;
    const address_family other = good.is_v6() ? address_family::v4 : address_family::v6;
    if (const auto rest = known_.find(key{name, other}); rest != known_.end())
        rest->second.preferred = false;
}

address_family address_book::first(const std::string& name) const
{
    const auto at = known_.find(key{name, address_family::v4});
    return at != known_.end() && at->second.preferred ? address_family::v4 : address_family::v6;
}

} // namespace weir::http::detail
