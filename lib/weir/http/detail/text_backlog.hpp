#pragma once

#include <weir/detail/list.hpp>
#include <weir/http/detail/byte_queue.hpp>
#include <weir/http/detail/segment_list.hpp>
#include <weir/time/clock.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>

namespace weir::http::detail {

/// A URL that waits to be fetched.
struct waiting_url {
    std::uint64_t id = 0;
    time_point taken;
    std::string text;
};

/// What waits of all hosts: URLs as text, in memory up to a window, and beyond it in a file. It
/// decides what is written and read, and where; its owner does that.
///
/// Shape: `next_step` says what to do with the file, `done` takes how it went; one step at a time.
///        A line is that of one host: a stream of records, of which the first ones are in memory
///        (the head), those behind them in the file, and the last ones in memory again (the tail).
///        Only a blocked line is written: one that does not go on soon.
/// Units: `window` in bytes of what is in memory, with 20 for each URL. `spill` in bytes of the
///        file, in segments of 64 KiB; 0 for none.
/// Errors: what could not be written stays in memory. What could not be read is still in the file.
/// Fairness: first in, first out within a line. What is read goes before what is written, and the
///           line with the most text is written first.
/// Threads: one at a time.
/// Memory: the window; for each line that has more than a few KiB, up to three blocks of 4 KiB; 1
///         KiB more for each line that has text in the file and was not all written, another 4 KiB
///         while it goes on.
class text_backlog {
public:
    static constexpr std::size_t segment_size = 64 * 1024;
    /// How much of a blocked line stays in memory, unless it is not much more than that.
    static constexpr std::size_t kept = 1024;
    static constexpr std::size_t read_size = 4096;
    static constexpr std::size_t record_size = 20;

    class line : public weir::detail::list_node<> {
    public:
        std::size_t waiting() const noexcept { return waiting_; }
        /// Whether its first URL is not in memory.
        bool is_away() const { return waiting_ != 0 && !has_record(); }
        /// Bytes of memory for its text.
        std::size_t capacity() const noexcept { return head_.capacity() + tail_.capacity(); }

    private:
        friend class text_backlog;

        /// A part of a segment.
        struct piece {
            segment_list::segment segment = 0;
            std::size_t begin = 0;
            std::size_t end = 0;
        };

        bool has_record() const;
        bool uses_file() const noexcept { return !pieces_.empty(); }
        /// What could be written.
        std::size_t spillable() const noexcept { return uses_file() ? tail_.size() : head_.size(); }

        byte_queue head_;
        std::list<piece> pieces_;
        byte_queue tail_; // empty unless `uses_file`
        std::size_t waiting_ = 0;
        unsigned bucket_ = 0; // 0: none
        bool is_blocked_ = false;
        bool is_wanted_ = false;
    };

    struct step {
        enum class kind { none, write, read };
        kind what = kind::none;
        line* of = nullptr;
        std::uint64_t at = 0; // in the file
        std::size_t size = 0;
        std::string bytes; // to be written, or that were read
    };

    text_backlog(std::size_t window, std::uint64_t spill);
    text_backlog(const text_backlog&) = delete;
    text_backlog& operator=(const text_backlog&) = delete;

    void push(line& l, const waiting_url& url);
    /// Puts one back that was taken.
    void push_front(line& l, const waiting_url& url);
    /// The first URL; nothing when the line is empty, or `is_away`: it is read then.
    std::optional<waiting_url> take(line& l);
    void set_blocked(line& l, bool blocked);

    step next_step();
    void done(step s, bool failed);

    /// Whether one more URL may be taken in. After a failure to write: once there is an eighth of
    /// the window free.
    bool has_room() const noexcept { return !refused_ && held_ < window_; }
    /// Whether a line could not be written, because of the limit or a failure.
    bool is_refused() const noexcept { return refused_; }

    /// For what waits elsewhere and counts here.
    void hold(std::size_t bytes) noexcept { held_ += bytes; }
    void release(std::size_t bytes) noexcept;

    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t held() const noexcept { return held_; }
    std::uint64_t spilled() const noexcept { return spilled_; }
    std::size_t segments() const noexcept { return segments_.used(); }

private:
    step write_step();
    step read_step();
    line* largest() noexcept;
    void wrote(step& s, bool failed);
    void was_read(const step& s);
    void settle(line& l);
    void gather(line& l);
    void want(line& l);

    const std::size_t window_;
    segment_list segments_;
    std::size_t held_ = 0;
    std::size_t waiting_ = 0;
    std::uint64_t spilled_ = 0;
    bool refused_ = false;
    std::array<weir::detail::list<line>, 65> blocked_; // by the bit width of what could be written
    std::deque<line*> wanted_;
};

} // namespace weir::http::detail
