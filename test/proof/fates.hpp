#pragma once

// The fate of each value that is sent into a channel: rule 2, value by value.

#include "proof/prove.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace weir::test {

/// Moves but does not copy, and knows when it was moved from.
class value {
public:
    value() noexcept : number_(moved) {} // Asio's channels need it
    explicit value(std::size_t n) noexcept : number_(n) {}
    value(value&& other) noexcept : number_(std::exchange(other.number_, moved)) {}
    value& operator=(value&& other) noexcept
    {
        number_ = std::exchange(other.number_, moved);
        return *this;
    }

    std::size_t number() const
    {
        expect(!is_moved(), "no value comes out twice");
        return number_;
    }
    bool is_moved() const noexcept { return number_ == moved; }

private:
    static constexpr std::size_t moved = static_cast<std::size_t>(-1);
    std::size_t number_;
};

/// One record per value, in the order in which they were sent.
class fates {
public:
    enum class fate { on_its_way, handed_back, received, undelivered };

    /// `in_order`: first made is first out. False where a sender keeps a reserved place empty.
    explicit fates(bool in_order = true) : in_order_(in_order) {}

    value make()
    {
        all_.emplace_back();
        return value(all_.size() - 1);
    }

    void told_sent(std::size_t number) { all_[number].told_sent = true; }

    void handed_back(std::size_t number)
    {
        all_[number].told_not_sent = true;
        settle(number, fate::handed_back);
    }

    /// To be called in the channel's hook, which must not throw.
    void undelivered(const value& v) noexcept
    {
        hook_.expect(!v.is_moved(), "no value comes out twice");
        if (v.is_moved())
            return;
        account& a = all_[v.number()];
        hook_.expect(a.end == fate::on_its_way, "each value has one fate");
        a.end = fate::undelivered;
    }

    /// To be called for the values in the order in which they are taken out.
    void received(const value& v)
    {
        const std::size_t number = v.number();
        settle(number, fate::received);
        expect(!all_[number].overtaken || !in_order_, "first in, first out");
        for (std::size_t before = settled_; before < number; ++before)
            if (all_[before].end == fate::on_its_way)
                all_[before].overtaken = true; // fine if its sender left the line and will learn it
        while (settled_ < all_.size() && all_[settled_].end != fate::on_its_way)
            ++settled_;
    }

    /// To be called at the end of the stream.
    void ended() const
    {
        for (const account& a : all_)
            expect(!a.told_sent || a.end != fate::on_its_way, "what was sent comes before the end");
    }

    /// To be called when the channel is gone.
    void check() const
    {
        hook_.check();
        for (const account& a : all_) {
            expect(a.end != fate::on_its_way, "no value is lost");
            if (a.told_sent)
                expect(a.end != fate::handed_back, "a value that was sent is not handed back");
            if (a.told_not_sent)
                expect(a.end == fate::handed_back, "a value that was not sent is handed back");
        }
    }

    std::size_t count(fate end) const
    {
        std::size_t n = 0;
        for (const account& a : all_)
            n += a.end == end ? 1 : 0;
        return n;
    }

private:
    struct account {
        fate end = fate::on_its_way;
        bool told_sent = false;
        bool told_not_sent = false;
        bool overtaken = false;
    };

    void settle(std::size_t number, fate end)
    {
        expect(all_[number].end == fate::on_its_way, "each value has one fate");
        all_[number].end = end;
    }

    bool in_order_;
    verdict hook_;
    std::vector<account> all_;
    std::size_t settled_ = 0;
};

} // namespace weir::test
