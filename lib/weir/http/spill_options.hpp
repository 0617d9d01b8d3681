#pragma once

#include <weir/error.hpp>
#include <weir/run/blocking_lane.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace weir::http {

/// Where a `fetcher` puts the URLs of a host that does not go on, when there are more of them than
/// its window holds. Setters return the object, so that calls can be chained.
///
/// Errors: a setter throws `std::invalid_argument` for a value outside its range.
class spill_options {
public:
    /// Called with the reason: `errc::full` at the limit, or what the system says, such as
    /// `no_space_on_device`.
    using full_hook = std::function<void(error_code why)>;

    spill_options();

    /// The folder of the file, which has no name there and is gone when the fetcher is.
    ///
    /// Units: a path. Default empty: that of the environment's TMPDIR, else `/tmp`.
    spill_options& directory(std::string path);

    /// How large the file may be.
    ///
    /// Units: bytes, in segments of 64 KiB of one host each; from 0, which is no file, to
    ///        `max_limit`. Default 4 GiB: some 60 million URLs.
    spill_options& limit(std::uint64_t bytes);

    /// What reads and writes the file.
    ///
    /// Units: not null. Default: a thread of its own, from the first write on. Give one over the
    ///        executor in a simulation.
    spill_options& lane(std::shared_ptr<blocking_lane> threads);

    /// Called the first time that URLs cannot be written to the file. Nothing is lost: no more
    /// are taken in until there is room. Called on the fetcher's executor.
    spill_options& on_full(full_hook hook);

    const std::string& directory() const noexcept { return directory_; }
    std::uint64_t limit() const noexcept { return limit_; }
    const std::shared_ptr<blocking_lane>& lane() const noexcept { return lane_; }
    const full_hook& on_full() const noexcept { return on_full_; }

    static constexpr std::uint64_t max_limit = std::uint64_t(1) << 47;

private:
    std::string directory_;
    std::uint64_t limit_ = std::uint64_t(4) << 30;
    std::shared_ptr<blocking_lane> lane_;
    full_hook on_full_;
};

} // namespace weir::http
