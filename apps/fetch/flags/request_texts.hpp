#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {

/// What `-H` asks for, as curl reads it: `Name: value`; `Name;` for a field with an empty value;
/// `Name:` for none of this name, not even one that would be sent otherwise.
struct asked_field {
    std::string name;
    std::string value;
    bool is_removed = false;
};

/// Nothing for a text of another form.
std::optional<asked_field> read_field(std::string_view text);

/// The lines of a file, or of standard input for `-`, without their line ends.
///
/// Errors: throws `std::runtime_error` with the file's name for one that cannot be read.
std::vector<std::string> lines_of(const std::string& file);

/// All of a file, or of standard input for `-`. Errors: as `lines_of`; standard input can be read
/// once.
std::string text_of(const std::string& file);
/// Whether `text_of` or `lines_of` have read it.
bool was_standard_input_read() noexcept;

/// The value of Authorization for `user:password`.
std::string basic_authorization(std::string_view user_and_password);

/// A piece of a request's body, as curl reads it.
enum class data_kind {
    ascii,     ///< --data: the text, or `@FILE` without its line breaks and NULs
    binary,    ///< --data-binary: the text, or `@FILE` as it is
    raw,       ///< --data-raw: the text
    urlencoded ///< --data-urlencode: TEXT, =TEXT, NAME=TEXT, @FILE or NAME@FILE, percent-encoded
};

/// The piece as it is sent. Errors: as `lines_of`.
std::string data_piece(data_kind kind, const std::string& text);

/// A date as HTTP writes it, as `2026-11-22`, `20261122`, `22 Nov 2026`, each with or without a
/// time (`10:30:00`), in UTC; otherwise the time of the file of this name was last written.
///
/// Errors: nothing for what is neither.
std::optional<std::chrono::sys_seconds> time_of(const std::string& text);

} // namespace weir_fetch
