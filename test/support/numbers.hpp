#pragma once

#include <limits>
#include <utility>

namespace weir::test {

/// The numbers from 0 on, each made by `make(n)` when it is looked at. (Views would do, but for
/// clang 14, which does not compile those of libstdc++ 12.)
template <class Make>
class numbers {
public:
    explicit numbers(Make make, int end = std::numeric_limits<int>::max())
        : make_(std::move(make)), end_(end)
    {
    }

    class iterator {
    public:
        explicit iterator(const numbers& of) : of_(&of) {}
        auto operator*() const { return of_->make_(at_); }
        iterator& operator++()
        {
            ++at_;
            return *this;
        }
        bool operator==(int end) const { return at_ == end; }

    private:
        const numbers* of_;
        int at_ = 0;
    };

    iterator begin() const { return iterator(*this); }
    int end() const { return end_; }

private:
    Make make_;
    int end_;
};

inline auto count_to(int end = std::numeric_limits<int>::max())
{
    return numbers([](int n) { return n; }, end);
}

} // namespace weir::test
