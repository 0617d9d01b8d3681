#pragma once

#include "begun_body.hpp"
#include "done_lines.hpp"
#include "entry.hpp"
#include "file_identity.hpp"
#include "journal_file.hpp"
#include "unwritten.hpp"

#include <weir/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir_fetch {

/// A line of a journal that a reader understands.
struct journal_line {
    enum class kind { result, keeping, begun, unreadable };

    kind what = kind::unreadable;
    place at;               // of a result
    std::uint64_t hash = 0; // of its text
    bool done = false;      // without an error
    std::string file;       // of a result, or that is about to get its name
    file_state kept;        // what is about to get its name; no inode where that is not known
    begun_body body;        // that was begun
};

journal_line read_journal_line(std::string_view line);

/// The file of `--results`: a record for each result, and for a stored body a line before it gets
/// its name, and one at its beginning if it can be continued. Nothing in it is ever changed; a run
/// that was killed leaves a torn last line at most.
///
/// Shape: `{"id":...` is a record (see `json_line`), `{"keeping":NAME,"inode":N,...}` says that
///        this file is about to be renamed to NAME. It stays without its record only when the
///        program was killed in between: then the file may be replaced, if it is still as it was
///        by its inode, the time it was made, its size and the time of its last change. There are
///        several where that happened again and again: which of them got the name is not known.
///        `{"begun":URL,...` says of which bytes the file with this inode is the beginning; see
///        `begun_body`. It counts for as long as that file has its name.
/// Errors: after a failed append the file ends where it did before, and no more is appended.
/// Memory: see `done_lines`; 32 KiB of records that are not written yet; a body that was begun and
///         did not end.
class journal {
public:
    enum class durability { system_keeps_running, survives_power_loss };

    /// Of a stored body: whether its file is there still.
    using file_look = std::function<bool(const std::string& file)>;

    /// Reads what is there, and mends a torn last line. Throws boost::system::system_error, and
    /// std::runtime_error for a file that is no journal.
    journal(std::unique_ptr<journal_file> file, durability how, file_look is_there = {});

    /// Whether there is anything in it.
    bool is_empty() const noexcept { return size_ == 0; }
    std::uint64_t unreadable() const noexcept { return unreadable_; }
    const done_lines& done(place::source from) const
    {
        return done_[static_cast<std::size_t>(from)];
    }
    /// How many results are done, and had a body that was stored.
    std::uint64_t stored() const noexcept { return stored_; }
    /// How many of those have no file any more.
    std::uint64_t missing() const noexcept { return missing_; }
    /// Files that got their names without a record.
    const states_of_files& unrecorded() const noexcept { return unrecorded_; }
    /// The bodies that were begun and are not done, by the names of their files.
    std::unordered_map<std::string, begun_body> take_begun() { return std::move(begun_); }
    /// The first line of a block that is not what was recorded.
    std::uint64_t first_difference(place::source from, const input_check::difference& in) const;
    /// Which lines of a block were recorded as done with these hashes: a bit for each.
    std::uint64_t recorded(place::source from, const input_check::difference& of) const;

    /// Appends a record. `text` is that of its entry: what `take_unwritten` gives when it is lost.
    weir::error_code add(std::string_view record, std::string text);
    /// Appends, at once, that a file is about to get its name. It is not synced: when it is lost,
    /// another file gets the name with a number.
    weir::error_code keeping(const std::string& name, const file_state& file);
    /// Appends, at once, that a body is about to be written. When it is lost, so is the body.
    weir::error_code begun(const begun_body& what);
    /// Writes what is still in memory, and syncs it if that is wanted.
    weir::error_code flush();

    /// The texts of the records that could not be written.
    std::vector<std::string> take_unwritten() { return unwritten_.take(); }

private:
    using visitor = std::function<void(const journal_line& line)>;

    /// What is behind the last line end of a file.
    struct last_line {
        std::uint64_t at = 0; // where it begins
        std::uint64_t end = 0;
        bool is_too_long = false; // to be ours
        std::string text;         // not all of it then
    };

    last_line read_lines(const visitor& visit) const;
    static bool may_be_torn(const last_line& last);
    void note(const journal_line& line);
    void mend(const last_line& last);
    weir::error_code write();

    std::unique_ptr<journal_file> file_;
    durability how_;
    std::array<done_lines, 2> done_;
    states_of_files unrecorded_;
    std::unordered_map<std::string, begun_body> begun_;
    std::uint64_t size_ = 0;
    std::uint64_t understood_ = 0;
    file_look is_there_;
    std::uint64_t stored_ = 0;
    std::uint64_t missing_ = 0;
    std::uint64_t unreadable_ = 0;
    std::string held_;
    unwritten unwritten_;
    bool unsynced_ = false;
    weir::error_code broken_;
};

} // namespace weir_fetch
