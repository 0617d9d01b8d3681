#pragma once

#include <weir/http/detail/recycled.hpp>

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// One header field. Its texts are parts of the `headers` and valid until those change.
struct header_field {
    std::string_view name;
    std::string_view value;
};

/// The header fields of a request or response, in order; a look-up ignores case.
///
/// Memory: one block for the text of all fields, and 16 bytes for each field.
class headers {
public:
    class const_iterator;

    /// Adds a field behind the others, even if there is one of that name. Neither text may be a
    /// part of these headers.
    void append(std::string_view name, std::string_view value);
    /// Adds text to the value of the last field, which must exist: with a blank between, unless the
    /// value was empty.
    void extend_last(std::string_view text);
    /// Removes all fields of that name.
    void erase(std::string_view name);

    /// The value of the first field of that name; empty when there is none.
    std::string_view operator[](std::string_view name) const& noexcept;
    std::string_view operator[](std::string_view name) const&& = delete; // it would dangle
    std::size_t count(std::string_view name) const noexcept;

    /// The place of the first field of that name, of those from the place `from` on; `size()` when
    /// there is none.
    std::size_t find(std::string_view name, std::size_t from = 0) const noexcept;
    /// The field at a place.
    header_field at(std::size_t index) const noexcept;

    std::size_t size() const noexcept { return places_.size(); }
    bool empty() const noexcept { return places_.empty(); }
    const_iterator begin() const noexcept;
    const_iterator end() const noexcept;

private:
    /// Where a field begins in the text, and its value. It ends where the next one begins.
    struct place {
        std::size_t name;
        std::size_t value;
    };

    std::basic_string<char, std::char_traits<char>, detail::recycled<char>> text_;
    std::vector<place, detail::recycled<place>> places_;
};

/// Goes through the fields in order.
class headers::const_iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = header_field;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = header_field;

    const_iterator() = default;
    header_field operator*() const noexcept { return of_->at(index_); }
    const_iterator& operator++() noexcept
    {
        ++index_;
        return *this;
    }
    const_iterator operator++(int) noexcept { return {of_, index_++}; }
    bool operator==(const const_iterator&) const noexcept = default;

private:
    friend class headers;
    const_iterator(const headers* of, std::size_t index) noexcept : of_(of), index_(index) {}

    const headers* of_ = nullptr;
    std::size_t index_ = 0;
};

/// Whether two field names, or other tokens of HTTP, are the same: ASCII letters match in either
/// case.
bool same_token(std::string_view a, std::string_view b) noexcept;

/// Whether `name` is a valid field name: one or more token characters.
///
/// Source: RFC 9110 section 5.6.2.
bool is_field_name(std::string_view name) noexcept;

/// Whether `value` is free of CR, LF and NUL, with which it could end its field and begin another.
///
/// Source: RFC 9110 section 5.5.
bool is_field_value(std::string_view value) noexcept;

} // namespace weir::http
