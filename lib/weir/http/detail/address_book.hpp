#pragma once

#include <weir/duration.hpp>
#include <weir/http/name_source.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace weir::http::detail {

/// Remembers the addresses of hosts for as long as their answers say, and has one look-up for all
/// who wait for the same answer.
///
/// Units: an answer is kept for its TTL, at most `longest`, on the executor's clock; that a name
///        does not exist, or has no address of a family, for `negative`, because c-ares does not
///        show the TTL of that. A look-up that failed is not remembered.
/// Threads: one serial executor.
/// Memory: at most `max_answers` answers. For one more, that which expires first is forgotten.
class address_book {
    struct waiter;

public:
    static constexpr duration longest = std::chrono::minutes(5);
    static constexpr duration negative = std::chrono::seconds(5);
    static constexpr std::size_t max_answers = 20'000; // of 10,000 hosts

    using then = std::function<void(const name_answer&)>;

    /// Somebody who waits for an answer. Destroying it ends the wait: `then` is not called after
    /// that. The look-up goes on while anybody else waits for it.
    ///
    /// Lifetime: goes before the book.
    class wait {
    public:
        wait() = default;
        wait(wait&& other) noexcept = default;
        wait& operator=(wait&& other) noexcept;
        ~wait();

    private:
        friend class address_book;
        wait(address_book& book, std::shared_ptr<waiter> self);

        address_book* book_ = nullptr;
        std::shared_ptr<waiter> self_;
    };

    address_book(boost::asio::any_io_executor executor, std::shared_ptr<name_source> source);
    address_book(const address_book&) = delete;
    address_book& operator=(const address_book&) = delete;
    ~address_book();

    /// The answer, if it is known; until the next call.
    const name_answer* known(const std::string& name, address_family which);

    /// Waits for the answer of a look-up, one that is under way or a new one. `told` is called
    /// later, never inside this call.
    [[nodiscard]] wait ask(const std::string& name, address_family which, then told);

    /// This address accepted a connection: it and its family come first while its answer is kept,
    /// so that a dead one is waited for only once.
    void prefer(const std::string& name, const boost::asio::ip::address& good);
    /// Which family of a name to try first.
    address_family first(const std::string& name) const;

    /// How many answers are remembered.
    std::size_t size() const noexcept { return known_.size(); }

private:
    struct key {
        std::string name;
        address_family which;
        auto operator<=>(const key&) const = default;
    };
    struct look_up {
        name_source::ticket ticket{};
        std::vector<std::shared_ptr<waiter>> waiters;
    };
    struct entry {
        name_answer answer;
        time_point expires;
        bool preferred = false; // to the other family
    };
    using entries = std::map<key, entry>;

    void answered(const key& of, const name_answer& answer);
    void keep(const key& of, const name_answer& answer);
    void forget(entries::iterator at);
    void leave(waiter& one) noexcept;

    boost::asio::any_io_executor executor_;
    std::shared_ptr<name_source> source_;
    std::map<key, look_up> pending_;
    entries known_;
    std::set<std::pair<time_point, const key*>> by_expiry_;
};

} // namespace weir::http::detail
