#pragma once

#include "done_lines.hpp"
#include "entry.hpp"
#include "input.hpp"
#include "journal.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {

/// Leaves out of an input what a journal has as done, and sees to it that it is the same input.
///
/// Errors: throws `input_fault` that names the first line that differs. What has failed may have
///         changed.
/// Lifetime: the journal outlives it.
class resumption {
public:
    /// `file` is the journal's, for texts.
    resumption(const journal& results, std::string file);

    /// Looks at the whole input, where that can be done before anything is fetched.
    void check(const input& all);
    /// Whether an entry is done; called for all of them, in order. A line that differs is noticed
    /// up to 64 lines late, and not at all when `check` has seen them.
    bool is_done(const place& at, std::string_view text);
    /// To be called at the end of the input.
    void check_end();
    /// After a fault, or when the input was not read to its end: the texts of entries that were
    /// taken for done by their number alone, and are not.
    std::vector<std::string> take_not_done();

private:
    struct walk {
        explicit walk(const journal& results);

        std::array<input_check, 2> checks; // of lines and arguments
    };

    struct left_out {
        std::uint64_t number;
        std::string text;
    };

    void note(const place& at, std::string_view text);
    void pass(walk& by, const place& at, std::string_view text) const;
    void end(walk& by) const;
    [[noreturn]] void refuse(place::source from, const input_check::difference& in) const;

    const journal& results_;
    std::string file_;
    std::optional<walk> while_reading_;           // unless all was checked before
    std::array<std::vector<left_out>, 2> unsure_; // of the blocks that are not checked yet
};

} // namespace weir_fetch
