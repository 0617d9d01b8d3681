#pragma once

#include <weir/http/content_codings.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace weir::http {

/// How a client undoes content codings: which it asks for, and what a body may cost to decode.
/// Setters return the object, so that calls can be chained.
///
/// Errors: a setter throws `std::invalid_argument` for a value outside its range.
class decoding_options {
public:
    /// Which codings are asked for with Accept-Encoding, and undone when they come. A request with
    /// an Accept-Encoding of its own gets what it asked for as it comes.
    ///
    /// Units: default `content_codings::all`: a program wants the text, and text is a quarter of
    ///        its size on the way. `none` suits those who store what the server has.
    decoding_options& accept(content_codings which);

    /// How large a decoded body may be. A body that is not decoded has `client_options::max_body`
    /// alone.
    ///
    /// Units: bytes, from 0. Default: no limit, because a body is passed on and not kept.
    decoding_options& max_bytes(std::uint64_t bytes);

    /// How many times larger than its bytes on the wire a body may become. The first MiB is always
    /// allowed.
    ///
    /// Units: from 1. Default 1,000: deflate cannot do more than 1,032, and a text rarely more than
    ///        20. Zeros by the gigabyte need more with br and zstd.
    decoding_options& max_ratio(std::uint32_t times);

    /// How much memory the decoders of one response may take together, with their buffers.
    ///
    /// Units: bytes, from 128 KiB. Default 32 MiB: the largest window of br (16 MiB) and the half
    ///        that it grew from. gzip takes 80 KiB, zstd up to 8.5 MiB.
    decoding_options& max_memory(std::size_t bytes);

    /// How much memory the decoders of all responses of a client may take together. A response
    /// that finds no room ends with class `too_large`; it does not wait, because those that have
    /// the memory may be waiting for it.
    ///
    /// Units: bytes, from 128 KiB. Default 512 MiB: twenty of br with its largest window, sixty of
    ///        zstd, thousands of gzip.
    decoding_options& max_memory_of_all(std::size_t bytes);

    content_codings accept() const noexcept { return accept_; }
    std::uint64_t max_bytes() const noexcept { return max_bytes_; }
    std::uint32_t max_ratio() const noexcept { return max_ratio_; }
    std::size_t max_memory() const noexcept { return max_memory_; }
    std::size_t max_memory_of_all() const noexcept { return max_memory_of_all_; }

private:
    content_codings accept_ = content_codings::all;
    std::uint64_t max_bytes_ = std::numeric_limits<std::uint64_t>::max();
    std::uint32_t max_ratio_ = 1000;
    std::size_t max_memory_ = 32 * 1024 * 1024;
    std::size_t max_memory_of_all_ = 512 * 1024 * 1024;
};

} // namespace weir::http
