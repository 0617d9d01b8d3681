#include "duplicates.hpp"

#include "lines.hpp"
#include "unnamed_file.hpp"

#include <boost/system/system_error.hpp>

#include <cstdint>

namespace weir_fetch {
namespace {

namespace http = weir::http;

constexpr std::uint64_t is_argument = std::uint64_t{1} << 63;

std::uint64_t number_of(const place& at)
{
    return at.from == place::source::argument ? at.number | is_argument : at.number;
}

place place_of(std::uint64_t number)
{
    place at;
    at.from = (number & is_argument) != 0 ? place::source::argument : place::source::line;
    at.number = number & ~is_argument;
    return at;
}

} // namespace

duplicates::duplicates(const options& chosen)
    : seen_(folder_for_unnamed(chosen.spill_dir)), requests_(chosen),
      dots_(chosen.path_as_is ? http::dot_segments::keep : http::dot_segments::remove),
      allowed_(chosen.url_schemes)
{
}

std::optional<place> duplicates::first_of(const entry& what)
{
    if (!what.fault.empty() || !requests_.fault_of(what).empty())
        return std::nullopt;
    const auto target = http::url::parse(requests_.url_of(what), dots_);
    if (!target || !allowed_.allow(*target))
        return std::nullopt;
    // No URL holds a line break.
    std::string sent = target->str() + "\n" + target->authorization();
    if (const std::string own = requests_.difference(what); !own.empty())
        sent.append("\n").append(own);
    const auto which = fingerprint_of(sent);
    try {
        const auto first = seen_.find_or_add(which, number_of(what.at));
        if (first)
            return place_of(*first);
    } catch (const boost::system::system_error& e) {
        throw input_fault(std::string("no more URLs are read: ") + e.what());
    }
    return std::nullopt;
}

std::string duplicates::marked(std::string_view text)
{
    const auto first = first_of(read_entry(text));
    return first ? tagged_duplicate(text, *first) : std::string(text);
}

} // namespace weir_fetch
