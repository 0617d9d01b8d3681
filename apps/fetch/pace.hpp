#pragma once

#include <weir/policy/rate_limiter.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace weir_fetch {

/// A limit of bytes a second, of one transfer or of all that share it. A transfer pays for bytes
/// after reading them, and waits until it can.
///
/// Fairness: what was taken first is paid first.
class speed_limit {
public:
    /// Units: bytes a second, from 1 to `most`.
    speed_limit(const boost::asio::any_io_executor& executor, std::uint64_t bytes);

    /// As fast as memory: whoever wants more wants no limit.
    static constexpr std::uint64_t most = 1'000'000'000;

    /// How much to take at a time, so that it goes evenly: what comes in an eighth of a second, 64
    /// KiB at most.
    std::size_t part() const noexcept { return part_; }
    /// Waits until so many bytes are paid for, and removes them from `owed`.
    boost::asio::awaitable<void> pay(std::size_t& owed);

private:
    std::size_t part_;
    weir::rate_limiter tokens_;
};

/// How fast one transfer may read: its own limit, and the one of all.
class pace {
public:
    /// Either may be null.
    pace(std::unique_ptr<speed_limit> own, std::shared_ptr<speed_limit> of_all);

    std::size_t most_to_read() const noexcept;
    void received(std::size_t bytes) noexcept;
    bool wants_rest() const noexcept { return owed_ != 0 || owed_to_all_ != 0; }
    boost::asio::awaitable<void> rest();

private:
    std::unique_ptr<speed_limit> own_;
    std::shared_ptr<speed_limit> of_all_;
    std::size_t owed_ = 0;
    std::size_t owed_to_all_ = 0;
};

} // namespace weir_fetch
