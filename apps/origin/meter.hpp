#pragma once

#include <algorithm>
#include <cstdint>

namespace origin {

/// Counts the requests for items: being served now, at most at once, and in all.
///
/// Threads: one; the server's. Lifetime: longer than its visits.
class meter {
public:
    /// One request being served, until the visit ends.
    class [[nodiscard]] visit {
    public:
        explicit visit(meter& counted) : meter_(counted)
        {
            ++meter_.now_;
            meter_.peak_ = std::max(meter_.peak_, meter_.now_);
        }
        visit(const visit&) = delete;
        visit& operator=(const visit&) = delete;
        ~visit()
        {
            --meter_.now_;
            ++meter_.served_;
        }

    private:
        meter& meter_;
    };

    std::uint64_t served() const { return served_; }
    std::uint64_t now() const { return now_; }
    std::uint64_t peak() const { return peak_; }

private:
    std::uint64_t served_ = 0;
    std::uint64_t now_ = 0;
    std::uint64_t peak_ = 0;
};

} // namespace origin
