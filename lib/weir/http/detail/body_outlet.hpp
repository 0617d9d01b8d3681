#pragma once

#include <weir/error.hpp>
#include <weir/http/body.hpp>
#include <weir/http/body_receiver.hpp>
#include <weir/http/continuation.hpp>
#include <weir/http/error.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir::http::detail {

/// Where the body of a response goes. The body of a redirect that is followed goes nowhere.
class body_outlet {
public:
    virtual ~body_outlet() = default;

    /// A body begins: its header is `head`, its length is known or not. After a failed attempt that
    /// is made again, another one.
    virtual std::optional<failure> begin(const response& head,
                                         const std::optional<std::uint64_t>& length) = 0;
    /// How much of the body that began was delivered before: it is the rest of one.
    virtual std::uint64_t goes_on_after() const { return 0; }
    /// Takes the next part. May throw `failed`.
    virtual error_code write(std::string_view part) = 0;

    /// Whether it keeps what it takes until `deliver` has passed it on.
    virtual bool holds() const { return false; }
    virtual bool has_held() const { return false; }
    /// May wait. Throws `failed` (class `io`), or operation_aborted.
    virtual boost::asio::awaitable<void> deliver() { co_return; }
    /// How much of a body that broke off was delivered, and may be followed by the rest; 0 when
    /// there can be no rest.
    virtual std::uint64_t delivered() const { return 0; }
    /// The next body is the answer of a server that was asked for the rest.
    virtual void expect_rest(const continuation&) {}
    /// What that answer was; empty when none came.
    virtual std::optional<continuation::answer> answered() const { return std::nullopt; }
    /// The body is complete, and was delivered. Only for one that `holds`.
    virtual boost::asio::awaitable<void> end() { co_return; }
};

/// Passes the body to a function; without one, discards it.
class function_outlet final : public body_outlet {
public:
    explicit function_outlet(body_sink to, head_sink head = nullptr)
        : to_(std::move(to)), head_(std::move(head))
    {
    }

    std::optional<failure> begin(const response& head, const std::optional<std::uint64_t>&) override
    {
        return head_ ? head_(head) : std::nullopt;
    }
    error_code write(std::string_view part) override { return to_ ? to_(part) : error_code(); }

private:
    body_sink to_;
    head_sink head_;
};

/// Keeps the body, up to a size.
class kept_outlet final : public body_outlet {
public:
    explicit kept_outlet(std::uint64_t most) : most_(most) {}

    /// Fails at once where the length is known and too large.
    std::optional<failure> begin(const response& head,
                                 const std::optional<std::uint64_t>& length) override;
    error_code write(std::string_view part) override;

    std::string take() { return std::move(kept_); }

private:
    failure too_large() const;

    std::uint64_t most_;
    std::string kept_;
};

/// Passes the body to a receiver, which may wait.
///
/// Memory: what one read of the connection gives, until it is delivered.
class receiver_outlet final : public body_outlet {
public:
    explicit receiver_outlet(body_receiver& to) : to_(to) {}

    std::optional<failure> begin(const response& head,
                                 const std::optional<std::uint64_t>& length) override;
    std::uint64_t goes_on_after() const override
    {
        return answered_ == continuation::answer::rest ? delivered_ : 0;
    }
    error_code write(std::string_view part) override;
    bool holds() const override { return true; }
    bool has_held() const override { return head_ != nullptr || !held_.empty(); }
    std::uint64_t delivered() const override { return to_.accepts_offset() ? delivered_ : 0; }
    void expect_rest(const continuation& of) override;
    std::optional<continuation::answer> answered() const override { return answered_; }
    boost::asio::awaitable<void> deliver() override;
    boost::asio::awaitable<void> end() override;

private:
    body_receiver& to_;
    const response* head_ = nullptr; // while it is not delivered
    std::string held_;
    std::uint64_t delivered_ = 0;
    const continuation* rest_of_ = nullptr;
    std::optional<continuation::answer> answered_;
    std::optional<std::uint64_t> whole_; // where a rest came: with it, the body has as many bytes
};

} // namespace weir::http::detail
