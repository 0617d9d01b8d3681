#include <weir/http/detail/response_reader.hpp>

#include <weir/http/detail/content_coding.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace weir::http::detail {
namespace {

/// As many codings as a response may have; servers use one.
constexpr std::size_t most_codings = 3;

field_section header_within(const response_limits& limits)
{
    return {"header", limits.header_bytes, limits.header_fields};
}

/// What is wrong with a line that goes on so: what the whole line would be told.
failure not_a_status_line(std::string_view begun, std::string_view bytes)
{
    constexpr std::size_t enough = 16; // the fault is in the version at the latest
    return read_status_line(std::string(begun).append(bytes.substr(0, enough))).error();
}

} // namespace

response_reader::response_reader(std::string method, const response_limits& limits,
                                 const body_sink& sink, response& into)
    : method_(std::move(method)), limits_(limits), sink_(sink), into_(into),
      header_(header_within(limits)), chunks_(limits), max_body_(limits.body_bytes)
{
}

response_reader::state response_reader::feed(std::string_view& bytes)
{
    started_ = started_ || !bytes.empty();
    state now = state::more;
    while (now == state::more) {
        const part before = part_;
        if (part_ == part::status_line)
            now = read_status_line(bytes);
        else if (part_ == part::fields)
            now = read_fields(bytes);
        else if (part_ == part::body)
            now = read_body(bytes);
        else
            now = state::done;
        if (part_ == before)
            break;
    }
    left_over_ = left_over_ || (now == state::done && !bytes.empty());
    return now;
}

response_reader::state response_reader::read_status_line(std::string_view& bytes)
{
    if (!may_be_status_line(lines_.begun().size(), bytes))
        return fail(not_a_status_line(lines_.begun(), bytes));
    const auto most = std::min(limits_.status_line_bytes, header_.room());
    const auto found = lines_.next(bytes, most);
    if (found == line_splitter::state::too_long)
        return fail(failure(error_class::too_large, "the status line is longer than the limit of " +
                                                        std::to_string(most) + " bytes"));
    if (found == line_splitter::state::more)
        return state::more;
    const auto first = detail::read_status_line(lines_.line().text);
    if (!first)
        return fail(first.error());
    first_ = *first;
    header_.add(lines_.line());
    part_ = part::fields;
    return state::more;
}

response_reader::state response_reader::read_fields(std::string_view& bytes)
{
    const auto now = header_.read(lines_, bytes, fields_);
    if (!now)
        return fail(now.error());
    return *now == field_section::state::end ? header_ended() : state::more;
}

response_reader::state response_reader::header_ended()
{
    tolerated_ = tolerated_ || header_.tolerated();
    headers fields = std::exchange(fields_, headers());
    if (first_.status / 100 == 1 && first_.status != 101) {
        if (++interim_ > limits_.interim_responses)
            return fail(failure(error_class::protocol,
                                "the server sent more than " +
                                    std::to_string(limits_.interim_responses) + " 1xx responses"));
        continued_ = continued_ || first_.status == 100;
        header_ = header_within(limits_);
        part_ = part::status_line;
        return state::more;
    }
    into_.status = first_.status;
    into_.version = first_.http11 ? 11 : 10;
    into_.fields = std::move(fields);
    into_.trailers = headers();
    into_.coding.clear();
    into_.bytes = 0;
    into_.wire_bytes = 0;
    if (first_.status == 101)
        return fail(
            failure(error_class::protocol, "the server switched to another protocol, unasked"));
    const auto framing = framing_of(method_, first_, into_.fields);
    if (!framing)
        return fail(framing.error());
    framing_ = *framing;
    part_ = part::body;
    prepare_decoder();
    return state::head;
}

/// Source: RFC 9110 section 8.4. A part (206) of something encoded cannot be decoded by itself.
void response_reader::prepare_decoder()
{
    if (framing_.body == message_framing::end::none)
        return;
    auto applied = codings_of(into_.fields);
    if (!decoding_ || into_.status == 206 || applied.unknown || applied.codings.empty()) {
        into_.coding = std::move(applied.text);
        return;
    }
    if (applied.codings.size() > most_codings)
        unreadable_ = failure(error_class::too_large,
                              "the body has " + std::to_string(applied.codings.size()) +
                                  " content codings, the limit is " + std::to_string(most_codings));
    else
        decoder_ = std::make_unique<content_decoder>(applied.codings, *decoding_, decoders_);
}

void response_reader::discard_body(std::uint64_t max_bytes)
{
    discard_ = true;
    max_body_ = max_bytes;
}

/// How much more of the body is within the limit.
std::uint64_t response_reader::room() const noexcept
{
    const std::uint64_t taken = before_ + into_.wire_bytes;
    return max_body_ > taken ? max_body_ - taken : 0;
}

response_reader::state response_reader::read_body(std::string_view& bytes)
{
    using end = message_framing::end;
    if (framing_.body == end::none)
        return over();
    if (unreadable_ && !discard_)
        return fail(*unreadable_);
    if (framing_.body == end::chunked)
        return read_chunks(bytes);
    if (framing_.body == end::length && !discard_ && framing_.length - into_.wire_bytes > room())
        return fail(failure(error_class::too_large,
                            "the body has " + std::to_string(before_ + framing_.length) +
                                " bytes, the limit is " + std::to_string(max_body_)));
    std::string_view piece = bytes;
    if (framing_.body == end::length)
        piece = piece.substr(
            0, std::min<std::uint64_t>(piece.size(), framing_.length - into_.wire_bytes));
    bytes.remove_prefix(piece.size());
    const state now = pass_on(piece);
    if (now == state::more && framing_.body == end::length && into_.wire_bytes == framing_.length)
        return over();
    return now;
}

response_reader::state response_reader::read_chunks(std::string_view& bytes)
{
    for (;;) {
        const auto now = chunks_.read(bytes, into_.trailers);
        if (!now)
            return fail(now.error());
        if (*now == chunk_decoder::state::end)
            return over();
        if (*now == chunk_decoder::state::more)
            return state::more;
        const state passed = pass_on(chunks_.data());
        if (passed != state::more)
            return passed;
    }
}

/// Takes a piece of the body: of one that is too large, what is within the limit.
response_reader::state response_reader::pass_on(std::string_view piece)
{
    const bool too_large = piece.size() > room();
    if (too_large)
        piece = piece.substr(0, room());
    into_.wire_bytes += piece.size();
    if (too_large && discard_)
        return state::done;
    state now = state::more;
    if (decoder_ && !discard_)
        now = decode(piece);
    else if (!discard_ && !piece.empty())
        now = deliver(piece);
    if (now == state::more && too_large)
        return fail(failure(error_class::too_large, "the body is larger than the limit of " +
                                                        std::to_string(max_body_) + " bytes"));
    return now;
}

response_reader::state response_reader::decode(std::string_view piece)
{
    for (;;) {
        const auto now = decoder_->read(piece);
        if (!now)
            return fail(now.error());
        if (*now == content_decoder::state::more)
            return state::more;
        const state delivered = deliver(decoder_->data());
        if (delivered != state::more)
            return delivered;
    }
}

response_reader::state response_reader::deliver(std::string_view piece)
{
    into_.bytes += piece.size();
    error_code refused;
    try {
        refused = sink_(piece);
    } catch (const failed& f) {
        return fail(f.reason());
    } catch (const std::exception& e) {
        return fail(failure(error_class::io, e.what(),
                            boost::system::errc::make_error_code(boost::system::errc::io_error)));
    } catch (...) {
        return fail(failure(error_class::io, "the sink threw what is no std::exception",
                            boost::system::errc::make_error_code(boost::system::errc::io_error)));
    }
    if (refused)
        return fail(failure(error_class::io, "the body could not be stored: " + refused.message(),
                            refused));
    return state::more;
}

response_reader::state response_reader::over()
{
    part_ = part::over;
    tolerated_ = tolerated_ || chunks_.tolerated();
    if (decoder_ && !discard_)
        if (auto cut_off = decoder_->end())
            return fail(std::move(*cut_off));
    return state::done;
}

response_reader::state response_reader::end(error_code how)
{
    at_end_ = true;
    if (part_ == part::over)
        return state::done;
    const std::string cause = how ? how.message() : "the server closed it";
    if (!started_)
        return fail(failure(error_class::incomplete,
                            "the connection ended without an answer: " + cause, how));
    if (part_ != part::body)
        return fail(failure(error_class::incomplete,
                            "the connection ended inside the response's header: " + cause, how));
    if (framing_.body == message_framing::end::close && !how)
        return over();
    std::string text =
        "the connection ended inside the body, after " + std::to_string(into_.wire_bytes);
    if (framing_.body == message_framing::end::length)
        text += " of " + std::to_string(framing_.length);
    return fail(failure(error_class::incomplete, text + " bytes: " + cause, how));
}

std::optional<std::uint64_t> response_reader::length() const
{
    if (framing_.body == message_framing::end::length && !decoder_)
        return framing_.length;
    return std::nullopt;
}

bool response_reader::reusable() const
{
    return part_ == part::over && framing_.keep_alive && !tolerated_ && !left_over_ && !at_end_;
}

std::size_t response_reader::kept() const noexcept
{
    return lines_.begun().size() + chunks_.lines().begun().size();
}

std::uint64_t response_reader::searched() const noexcept
{
    return lines_.searched() + chunks_.lines().searched();
}

response_reader::state response_reader::fail(failure why)
{
    into_.error = std::move(why);
    return state::failed;
}

} // namespace weir::http::detail
