#include <weir/http/headers.hpp>

#include <weir/http/detail/token_chars.hpp>

#include <algorithm>
#include <cassert>
#include <functional>
#include <string>
#include <utility>

namespace weir::http {
namespace {

constexpr std::size_t usual_fields = 16;
constexpr std::size_t usual_text = 500;

char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether the field at this place of a text has that name: nearly all differ in length.
template <class Place>
bool is_called(std::string_view text, const Place& at, std::string_view name) noexcept
{
    return at.value - at.name == name.size() && same_token(text.substr(at.name, name.size()), name);
}

bool is_part_of(std::string_view whole, std::string_view part) noexcept
{
    const std::less<const char*> before;
    return !before(part.data(), whole.data()) && before(part.data(), whole.data() + whole.size());
}

} // namespace

bool same_token(std::string_view a, std::string_view b) noexcept
{
    if (a == b) // nearly always, where they are the same
        return true;
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

bool is_field_name(std::string_view name) noexcept
{
    return !name.empty() && detail::token_at_start(name).size() == name.size();
}

bool is_field_value(std::string_view value) noexcept
{
    // Three searches of the library are faster than one loop with three comparisons.
    return value.find('\r') == value.npos && value.find('\n') == value.npos &&
           value.find('\0') == value.npos;
}

void headers::append(std::string_view name, std::string_view value)
{
    if (is_part_of(text_, name) || is_part_of(text_, value)) // it may move while it is copied
        return append(std::string(name), std::string(value));
    if (places_.empty()) { // what most headers need, so that they do not grow step by step
        places_.reserve(usual_fields);
        text_.reserve(usual_text);
    }
    places_.push_back({text_.size(), text_.size() + name.size()});
    text_ += name;
    text_ += value;
}

void headers::extend_last(std::string_view text)
{
    assert(!places_.empty());
    if (places_.back().value != text_.size())
        text_ += ' ';
    text_ += text;
}

void headers::erase(std::string_view name)
{
    headers kept;
    for (const header_field field : *this)
        if (!same_token(field.name, name))
            kept.append(field.name, field.value);
    *this = std::move(kept);
}

std::string_view headers::operator[](std::string_view name) const& noexcept
{
    const std::size_t found = find(name);
    return found == size() ? std::string_view() : at(found).value;
}

std::size_t headers::find(std::string_view name, std::size_t from) const noexcept
{
    const std::size_t end = places_.size();
    const place* const all = places_.data();
    const std::string_view text = text_;
    for (; from < end; ++from)
        if (is_called(text, all[from], name))
            return from;
    return end;
}

std::size_t headers::count(std::string_view name) const noexcept
{
    std::size_t found = 0;
    for (std::size_t i = find(name); i != size(); i = find(name, i + 1))
        ++found;
    return found;
}

headers::const_iterator headers::begin() const noexcept
{
    return {this, 0};
}

headers::const_iterator headers::end() const noexcept
{
    return {this, places_.size()};
}

header_field headers::at(std::size_t index) const noexcept
{
    const place& here = places_[index];
    const std::size_t end = index + 1 < places_.size() ? places_[index + 1].name : text_.size();
    const std::string_view text = text_;
    return {text.substr(here.name, here.value - here.name),
            text.substr(here.value, end - here.value)};
}

} // namespace weir::http
