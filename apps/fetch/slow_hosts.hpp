#pragma once

#include <weir/time/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {

/// Which hosts are slow: how long a URL of theirs takes on average.
///
/// Memory: that of `most` hosts. One more takes the place of the faster half, which begins anew.
class slow_hosts {
public:
    static constexpr std::size_t most = 1024;

    struct host {
        std::string name; // safe for a terminal, in ASCII
        std::uint64_t urls = 0;
        weir::duration sum{};

        weir::duration mean() const noexcept;
    };

    /// To be called for each URL that was asked for. One without a host does not count.
    void add(std::string_view url, weir::duration took);
    /// At most so many, the slowest first; none while there are no two to compare.
    std::vector<host> slowest(std::size_t count) const;
    std::size_t size() const noexcept { return known_.size(); }

private:
    struct sum {
        std::uint64_t urls = 0;
        weir::duration took{};
    };

    void forget_half();

    std::map<std::string, sum, std::less<>> known_;
};

/// The host of a URL, with its port if that stands there, and without the user; empty for none.
std::string_view host_in(std::string_view url) noexcept;

} // namespace weir_fetch
