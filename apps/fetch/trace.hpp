#pragma once

#include <string>
#include <string_view>

namespace weir_fetch {

/// The lines of `--verbose`, as curl's: `> ` of a request, `< ` of an answer, `* ` about the
/// connection. What servers and lists say is escaped, and the values of Authorization, Cookie and
/// Proxy-Authorization are left out.
class trace {
public:
    /// `about` is the URL that each line names; empty where there is only one.
    explicit trace(std::string_view about);

    std::string note(std::string_view text) const;
    std::string sent(std::string_view head) const;
    std::string received(std::string_view head) const;

private:
    std::string about_; // with a blank behind it
};

/// Lines made safe for a terminal, each with its end.
std::string escaped_lines(std::string_view text);

/// The URL of an entry without the user name and password in it.
std::string without_user(std::string_view url);

} // namespace weir_fetch
