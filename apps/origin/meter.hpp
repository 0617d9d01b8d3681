#pragma once

#include <algorithm>
#include <cstdint>

namespace origin {

/// Counts the requests for items: running now, the most at a time, and served in all.
///
/// Threads: the server's, which is one.
/// Lifetime: outlives its visits.
class meter {
public:
    /// Counts one request as running until it is destroyed.
    class [[nodiscard]] visit {
    public:
        explicit visit(meter& counted) : meter_(counted)
        {
            ++meter_.running_;
            meter_.peak_ = std::max(meter_.peak_, meter_.running_);
        }
        visit(const visit&) = delete;
        visit& operator=(const visit&) = delete;
        ~visit()
        {
            --meter_.running_;
            ++meter_.served_;
        }

    private:
        meter& meter_;
    };

    std::uint64_t served() const { return served_; }
    std::uint64_t running() const { return running_; }
    std::uint64_t peak() const { return peak_; }

private:
    std::uint64_t served_ = 0;
    std::uint64_t running_ = 0;
    std::uint64_t peak_ = 0;
};

} // namespace origin
