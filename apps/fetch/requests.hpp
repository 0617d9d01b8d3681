#pragma once

#include "entry.hpp"
#include "options.hpp"

#include <weir/http/request.hpp>
#include <weir/http/request_settings.hpp>
#include <weir/http/url.hpp>

#include <string>

namespace weir_fetch {

/// What is sent for each entry: what the command line says, and what a JSON line says instead.
///
/// Shape: a header of the line takes the place of those of the command line with its name. A body
///        makes the method POST, unless the line or `-X` names one. A body of the line comes
///        without the Content-Type that `--data` has: it is seldom a form.
class requests {
public:
    /// Throws std::invalid_argument for what cannot be sent. `chosen` outlives this.
    explicit requests(const options& chosen);

    /// The URL of an entry, with its scheme.
    std::string url_of(const entry& what) const;
    /// Why this entry cannot be asked for with this command line; empty otherwise.
    std::string fault_of(const entry& what) const;
    /// The request of an entry without faults, by what it asks for itself.
    weir::http::request request_for(const weir::http::url& target, const line_request& own) const;
    /// As a text, what is sent besides the URL; empty where it is what is sent for all. The same
    /// for requests that differ only in the order of headers, or the case of their names.
    std::string difference(const entry& what) const;

    /// What is sent where no line says otherwise.
    const weir::http::request_settings& for_all() const noexcept { return all_; }

private:
    weir::http::request_settings settings_for(const line_request& own) const;
    std::string method_for(const line_request& own) const;

    const options& chosen_;
    weir::http::request_body data_; // of the command line
    weir::http::request_settings all_;
};

} // namespace weir_fetch
