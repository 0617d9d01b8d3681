#include <weir/http/detail/response_reader.hpp>

#include <weir/http/headers.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/optional/optional.hpp>

#include <exception>
#include <iterator>
#include <utility>

namespace weir::http::detail {
namespace {

namespace beast_http = boost::beast::http;
using beast_http::field;

/// Where the parser puts the body, and what went wrong there.
struct body_target {
    const body_sink* sink = nullptr;
    response* into = nullptr;
    std::uint64_t max_bytes = UINT64_MAX;
    bool discard = false;
    bool too_large = false;
    std::string thrown;
    error_code refused;
};

/// A Beast body type that passes each part to the sink and keeps nothing.
struct streamed_body {
    using value_type = body_target;

    class reader {
    public:
        template <bool IsRequest, class Fields>
        reader(beast_http::header<IsRequest, Fields>&, value_type& target) : target_(target)
        {
        }
        void init(const boost::optional<std::uint64_t>&, error_code& error) { error = {}; }
        void finish(error_code& error) { error = {}; }

        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& error)
        {
            error = {};
            std::size_t taken = 0;
            const auto last = boost::asio::buffer_sequence_end(buffers);
            for (auto it = boost::asio::buffer_sequence_begin(buffers); it != last && !error;
                 ++it) {
                const boost::asio::const_buffer part(*it);
                take({static_cast<const char*>(part.data()), part.size()}, error);
                taken += part.size();
            }
            return taken;
        }

    private:
        void take(std::string_view part, error_code& error)
        {
            if (part.size() > target_.max_bytes - target_.into->bytes) {
                target_.too_large = true;
                error = beast_http::error::body_limit;
                return;
            }
            target_.into->bytes += part.size();
            if (target_.discard)
                return;
            try {
                target_.refused = (*target_.sink)(part);
            } catch (const std::exception& e) {
                target_.thrown = e.what();
                target_.refused =
                    boost::system::errc::make_error_code(boost::system::errc::io_error);
            }
            error = target_.refused;
        }

        value_type& target_;
    };
};

/// Accepts only a single `chunked`: Beast takes `gzip, chunked` without decoding it, and reads
/// `chunked, chunked` until the connection closes.
bool transfer_encoding_is_known(const headers& fields)
{
    if (fields.count(field::transfer_encoding) == 0)
        return true;
    return fields.count(field::transfer_encoding) == 1 &&
           boost::beast::iequals(fields[field::transfer_encoding], "chunked");
}

} // namespace

struct response_reader::parser : beast_http::response_parser<streamed_body> {};

response_reader::response_reader(verb method, const response_limits& limits, const body_sink& sink,
                                 response& into)
    : method_(method), limits_(limits), sink_(sink), into_(into)
{
}

response_reader::~response_reader() = default;

response_reader::state response_reader::feed(std::string_view& bytes)
{
    started_ = started_ || !bytes.empty();
    if (pending_.empty()) {
        const state now = run(bytes);
        left_over_ = !bytes.empty();
        return now;
    }
    pending_ += bytes;
    bytes = {};
    std::string held = std::move(pending_);
    pending_.clear();
    std::string_view view(held);
    const state now = run(view);
    pending_ += view;
    left_over_ = !pending_.empty();
    return now;
}

response_reader::state response_reader::run(std::string_view& bytes)
{
    for (;;) {
        if (!parser_) {
            parser_ = std::make_unique<parser>();
            parser_->header_limit(limits_.header_bytes);
            parser_->body_limit(boost::none);
            parser_->skip(method_ == verb::head);
            body_target& target = parser_->get().body();
            target.sink = &sink_;
            target.into = &into_;
            target.max_bytes = limits_.body_bytes;
        }
        if (parser_->is_done())
            return head_told_ ? state::done : head_arrived();
        if (bytes.empty())
            return state::more;
        error_code error;
        const auto used = parser_->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
        bytes.remove_prefix(used);
        if (error == beast_http::error::need_more) {
            pending_ += bytes;
            bytes = {};
            return state::more;
        }
        if (error)
            return fail(error);
        if (head_told_ || !parser_->is_header_done())
            continue;
        if (parser_->get().result_int() / 100 == 1 && parser_->get().result_int() != 101) {
            if (++interim_ > limits_.interim_responses)
                return fail(error_class::protocol, "the server sent too many 1xx responses");
            parser_.reset();
            continue;
        }
        return head_arrived();
    }
}

response_reader::state response_reader::head_arrived()
{
    head_told_ = true;
    auto& message = parser_->get();
    into_.status = message.result_int();
    // Taken now, because a trailer would be merged into the fields later.
    headers& fields = message;
    into_.fields = std::move(fields);
    fields = headers();
    const auto count = std::distance(into_.fields.begin(), into_.fields.end());
    if (static_cast<std::size_t>(count) > limits_.header_fields)
        return fail(error_class::too_large, "the response has too many header fields");
    if (into_.status == 101)
        return fail(error_class::protocol, "the server switched to another protocol, unasked");
    if (!transfer_encoding_is_known(into_.fields))
        return fail(error_class::protocol, "the transfer encoding of the response is not known: " +
                                               std::string(into_.fields[field::transfer_encoding]));
    const auto length = parser_->content_length();
    if (!parser_->is_done() && length && *length > limits_.body_bytes)
        return fail(error_class::too_large, "the body has " + std::to_string(*length) +
                                                " bytes, the limit is " +
                                                std::to_string(limits_.body_bytes));
    parser_->eager(true);
    return state::head;
}

void response_reader::discard_body(std::uint64_t max_bytes)
{
    body_target& target = parser_->get().body();
    target.discard = true;
    target.max_bytes = max_bytes;
}

response_reader::state response_reader::end(error_code how)
{
    at_end_ = true;
    if (parser_ && parser_->is_done() && head_told_)
        return state::done;
    const std::string cause = how ? how.message() : "the server closed it";
    if (!started_)
        return fail(error_class::incomplete, "the connection ended without an answer: " + cause,
                    how);
    if (!parser_ || !parser_->is_header_done() || !pending_.empty())
        return fail(error_class::incomplete,
                    "the connection ended inside the response's header: " + cause, how);
    error_code error = how;
    if (!error)
        parser_->put_eof(error);
    if (!error)
        return state::done;
    const auto length = parser_->content_length();
    std::string text = "the connection ended inside the body, after " + std::to_string(into_.bytes);
    text += length ? " of " + std::to_string(*length) + " bytes: " : " bytes: ";
    return fail(error_class::incomplete, text + cause, error);
}

bool response_reader::reusable() const
{
    return !at_end_ && !left_over_ && parser_ && parser_->is_done() && parser_->keep_alive();
}

response_reader::state response_reader::fail(error_class kind, std::string text, error_code code)
{
    into_.error = failure(kind, std::move(text), code);
    return state::failed;
}

response_reader::state response_reader::fail(error_code code)
{
    const body_target& target = parser_->get().body();
    if (target.too_large && target.discard)
        return state::done;
    if (target.too_large)
        return fail(error_class::too_large, "the body is larger than the limit of " +
                                                std::to_string(target.max_bytes) + " bytes");
    if (target.refused)
        return fail(error_class::io,
                    target.thrown.empty()
                        ? "the body could not be stored: " + target.refused.message()
                        : target.thrown,
                    target.refused);
    if (code == beast_http::error::header_limit)
        return fail(error_class::too_large, "the response's header is larger than the limit of " +
                                                std::to_string(limits_.header_bytes) + " bytes");
    return fail(error_class::protocol, "the answer is not valid HTTP: " + code.message(), code);
}

} // namespace weir::http::detail
