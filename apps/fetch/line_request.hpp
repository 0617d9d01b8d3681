#pragma once

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir_fetch {

/// What a JSON line asks for itself, where the command line says otherwise for all.
struct line_request {
    std::string method; // empty: as for all
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<std::string> names; // of these, the headers of the line are sent and no others
    std::optional<std::string> body;
    std::string output; // the name of the file for the body; empty: as for all

    /// Whether another request is made than for all.
    bool is_own() const { return !method.empty() || !names.empty() || body.has_value(); }
};

/// Reads the members that are not `url` and `id`. Returns what is wrong with them; empty when all
/// is well.
std::string read_line_request(const boost::json::object& members, line_request& into);

} // namespace weir_fetch
