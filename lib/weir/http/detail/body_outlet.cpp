#include <weir/http/detail/body_outlet.hpp>

#include <weir/http/detail/io_failure.hpp>
#include <weir/http/detail/wall_clock.hpp>

#include <boost/system/system_error.hpp>

#include <exception>
#include <utility>

namespace weir::http::detail {

namespace asio = boost::asio;

namespace {

/// Throws for the error of a receiver.
asio::awaitable<void> checked(asio::awaitable<error_code> work)
{
    error_code refused;
    std::exception_ptr error;
    try {
        refused = co_await std::move(work);
    } catch (...) {
        error = std::current_exception();
    }
    if (refused)
        error = std::make_exception_ptr(boost::system::system_error(refused));
    if (error)
        throw_as_io(error, "the body could not be stored");
}

} // namespace

std::optional<failure> kept_outlet::begin(const response&,
                                          const std::optional<std::uint64_t>& length)
{
    kept_.clear();
    if (length && *length > most_)
        return too_large();
    return std::nullopt;
}

error_code kept_outlet::write(std::string_view part)
{
    if (part.size() > most_ - kept_.size())
        throw failed(too_large());
    kept_ += part;
    return {};
}

failure kept_outlet::too_large() const
{
    return failure(error_class::too_large,
                   "the body is larger than the " + std::to_string(most_) +
                       " bytes that max_kept_body allows in memory; async_request_into takes one "
                       "of any size, part by part");
}

std::optional<failure> receiver_outlet::begin(const response& head,
                                              const std::optional<std::uint64_t>&)
{
    using answer = continuation::answer;
    held_.clear();
    if (rest_of_)
        answered_ = rest_of_->judge(head, delivered_, wall_clock());
    if (answered_ == answer::other)
        return failure(error_class::incomplete,
                       "the rest of the body was asked for, and the answer, " +
                           std::to_string(head.status) + ", is something else");
    if (answered_ != answer::rest && answered_ != answer::complete)
        delivered_ = 0;
    head_ = answered_ == answer::complete ? nullptr : &head;
    whole_.reset();
    if (const auto part = parse_content_range(head.fields["Content-Range"]);
        part && part->last && answered_ == answer::rest)
        whole_ = *part->last + 1;
    return std::nullopt;
}

void receiver_outlet::expect_rest(const continuation& of)
{
    rest_of_ = &of;
    answered_.reset();
}

error_code receiver_outlet::write(std::string_view part)
{
    if (whole_ && part.size() > *whole_ - delivered_ - held_.size())
        throw failed(
            failure(error_class::protocol,
                    "the rest of the body is longer than its Content-Range, which ends with "
                    "byte " +
                        std::to_string(*whole_ - 1)));
    if (answered_ != continuation::answer::complete)
        held_ += part;
    return {};
}

asio::awaitable<void> receiver_outlet::deliver()
{
    if (const response* head = std::exchange(head_, nullptr))
        co_await checked(to_.begin(delivered_, *head));
    const std::string part = std::exchange(held_, std::string());
    if (part.empty())
        co_return;
    co_await checked(to_.write(part));
    delivered_ += part.size();
}

asio::awaitable<void> receiver_outlet::end()
{
    if (whole_ && delivered_ != *whole_)
        throw failed(failure(error_class::incomplete, "the rest of the body ended after byte " +
                                                          std::to_string(delivered_) + " of " +
                                                          std::to_string(*whole_)));
    return checked(to_.end());
}

} // namespace weir::http::detail
