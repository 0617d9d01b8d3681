#include <weir/http/detail/upload.hpp>

#include <weir/http/detail/io_failure.hpp>
#include <weir/http/error.hpp>
#include <weir/http/request_options.hpp>

#include <algorithm>
#include <charconv>
#include <exception>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

constexpr std::size_t part_size = 64 * 1024;
/// Room for the size of a chunk before its bytes, and for the line end behind them.
constexpr std::size_t before_chunk = 10;
constexpr std::size_t behind_chunk = 2;
/// What costs less to copy behind the header than to send in a packet of its own.
constexpr std::size_t small_body = 16 * 1024;

bool usually_has_body(std::string_view method)
{
    return method == "POST" || method == "PUT" || method == "PATCH";
}

} // namespace

upload::upload(const request& what, std::uint64_t expect_above)
    : text_(what.body().in_memory()), has_body_(!what.body().is_none()),
      says_none_(usually_has_body(what.method()))
{
    if (text_)
        length_ = text_->size();
    else if (has_body_) {
        try {
            source_ = what.body().open();
            length_ = source_->length();
        } catch (...) {
            throw_as_io(std::current_exception(), "the body cannot be read");
        }
    } else {
        length_ = 0;
    }
    const bool may_expect = has_body_ && expect_above != request_options::never_expect;
    expects_ = may_expect && (!length_ || *length_ > expect_above);
    at_end_ = length_ == 0U;
}

std::string upload::framing() const
{
    std::string lines;
    if (!has_body_ && !says_none_)
        return lines;
    if (length_)
        lines = "Content-Length: " + std::to_string(*length_) + "\r\n";
    else
        lines = "Transfer-Encoding: chunked\r\n";
    if (expects_)
        lines += "Expect: 100-continue\r\n";
    return lines;
}

std::string_view upload::take_small()
{
    if (!text_ || expects_ || at_end_ || text_->size() > small_body)
        return {};
    at_end_ = true;
    return *text_;
}

void upload::go_ahead()
{
    if (!std::exchange(told_, true) && then_)
        then_();
}

asio::awaitable<std::string_view> upload::next()
{
    if (at_end_ || stopped_)
        co_return std::string_view();
    if (text_) {
        at_end_ = true;
        co_return *text_;
    }
    co_return co_await next_of_source();
}

asio::awaitable<std::string_view> upload::next_of_source()
{
    buffer_.resize(before_chunk + part_size + behind_chunk);
    std::size_t room = part_size;
    if (length_)
        room = static_cast<std::size_t>(std::min<std::uint64_t>(room, *length_ - taken_));
    std::size_t size = 0;
    std::exception_ptr error;
    try {
        size = co_await source_->read(buffer_.data() + before_chunk, room);
    } catch (...) {
        error = std::current_exception();
    }
    if (error)
        throw_as_io(error, "the request's body could not be read");
    size = std::min(size, room);
    taken_ += size;
    if (!length_)
        co_return in_chunk(size);
    if (size == 0)
        throw failed(failure(error_class::io, "the source of the request's body ended after " +
                                                  std::to_string(taken_) + " of " +
                                                  std::to_string(*length_) + " bytes"));
    at_end_ = taken_ == *length_;
    co_return std::string_view(buffer_.data() + before_chunk, size);
}

/// The bytes in the buffer as a chunk; none of them end the body.
std::string_view upload::in_chunk(std::size_t size)
{
    char digits[before_chunk];
    const auto end = std::to_chars(digits, digits + sizeof digits, size, 16).ptr;
    const auto count = static_cast<std::size_t>(end - digits);
    char* const begin = buffer_.data() + before_chunk - 2 - count;
    std::copy(digits, end, begin);
    begin[count] = '\r';
    begin[count + 1] = '\n';
    char* const behind = buffer_.data() + before_chunk + size;
    behind[0] = '\r'; // behind the last chunk, of no bytes, this ends the trailers
    behind[1] = '\n';
    at_end_ = size == 0;
    return {begin, count + 2 + size + behind_chunk};
}

} // namespace weir::http::detail
