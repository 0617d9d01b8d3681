#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>

namespace weir_fetch {

/// Which lines of an input an earlier run has done, by number, and a sum by which a changed line is
/// noticed.
///
/// Memory: some 50 bytes for each 64 lines, not for each line: the hashes of a block of lines are
///         added up. Which line of a block has changed is looked up in the journal.
class done_lines {
public:
    static constexpr std::uint64_t block_size = 64;

    /// What is known of the lines from `block_size * number` on.
    struct block {
        std::uint64_t lines = 0; // a bit for each
        std::uint64_t sum = 0;   // of their hashes and places
        bool operator==(const block&) const = default;
    };

    /// False when the line is known already.
    bool add(std::uint64_t line, std::uint64_t hash);
    bool contains(std::uint64_t line) const;
    std::uint64_t size() const noexcept { return size_; }

    /// Empty for a block of which nothing is known.
    block of(std::uint64_t number) const;
    /// The first line from `line` on; nothing when there is none.
    std::optional<std::uint64_t> first_from(std::uint64_t line) const;

private:
    std::unordered_map<std::uint64_t, block> blocks_;
    std::uint64_t size_ = 0;
};

/// Compares an input, line by line and in order, with what was done of it.
///
/// Lifetime: `done` outlives it.
class input_check {
public:
    /// A block of lines that are not those that were done.
    struct difference {
        std::uint64_t block = 0;
        std::uint64_t lines = 0; // a bit for each line that is there
        std::array<std::uint64_t, done_lines::block_size> hashes{};
    };

    explicit input_check(const done_lines& done) : done_(done) {}

    /// To be called for each line, in order; gaps are lines without a URL. Returns what is wrong
    /// with the lines before it, in blocks.
    std::optional<difference> pass(std::uint64_t line, std::uint64_t hash);
    /// The same at the end of the input.
    std::optional<difference> finish();

private:
    std::optional<difference> leave_block();

    const done_lines& done_;
    difference now_;
    done_lines::block seen_;
    std::uint64_t checked_ = 0; // done lines in the blocks before
};

} // namespace weir_fetch
