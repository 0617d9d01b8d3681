#include "default_scheme.hpp"

#include <weir/http/headers.hpp>
#include <weir/http/url.hpp>

#include <algorithm>
#include <iterator>

namespace weir_fetch {

namespace http = weir::http;

std::string with_scheme(std::string_view url, std::string_view scheme)
{
    // As the URL is read: blanks around it, and tabs and line breaks in it, do not count.
    std::string text;
    std::copy_if(url.begin(), url.end(), std::back_inserter(text),
                 [](char c) { return c != '\t' && c != '\n' && c != '\r'; });
    const auto is_content = [](char c) { return static_cast<unsigned char>(c) > 0x20; };
    text.erase(text.begin(), std::find_if(text.begin(), text.end(), is_content));
    const auto begin = std::string_view(text).substr(0, text.find(':'));
    const bool has_one = begin.size() < text.size() &&
                         (http::same_token(begin, "http") || http::same_token(begin, "https"));
    if (has_one || !http::url::parse(text))
        return std::string(url);
    // What can be parsed has two of them, or none.
    const bool has_slashes = text.front() == '/' || text.front() == '\\';
    return std::string(scheme) + (has_slashes ? ":" : "://") + text;
}

} // namespace weir_fetch
