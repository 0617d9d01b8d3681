#include <weir/flow/outcome.hpp>

#include <weir/flow/running_job.hpp>

#include <boost/asio/error.hpp>

namespace weir {

const char* to_string(status s) noexcept
{
    switch (s) {
    case status::ok:
        return "ok";
    case status::failed:
        return "failed";
    case status::cancelled:
        return "cancelled";
    case status::timed_out:
        return "timed_out";
    case status::dropped:
        return "dropped";
    case status::abandoned:
        return "abandoned";
    }
    return "unknown";
}

const char* to_string(running_job::place where) noexcept
{
    switch (where) {
    case running_job::place::on_thread:
        return "on the thread";
    case running_job::place::suspended:
        return "suspended";
    case running_job::place::unknown:
        return "running or suspended";
    }
    return "unknown";
}

namespace detail {

namespace {

error_code code_for(status s) noexcept
{
    switch (s) {
    case status::timed_out:
    case status::abandoned:
        return errc::timed_out;
    case status::dropped:
        return errc::closed;
    default:
        return boost::asio::error::operation_aborted;
    }
}

} // namespace

std::exception_ptr error_of(std::exception_ptr thrown, status s)
{
    if (thrown)
        return thrown;
    return std::make_exception_ptr(system_error(code_for(s)));
}

void throw_instead_of_value(const std::exception_ptr& error, status s)
{
    if (s == status::timed_out)
        throw system_error(errc::timed_out);
    std::rethrow_exception(error);
}

job_record::job_record(const job_record& other)
    : options(other.options), times(other.times), timed(other.timed), attempts(other.attempts),
      kept(other.kept), type(other.type)
{
}

job_record::~job_record() = default;

std::string_view name_of(const job_record* record) noexcept
{
    return record != nullptr ? std::string_view(record->options.name()) : std::string_view();
}

cancel_reason asked_by_token(const job_record* record) noexcept
{
    return record != nullptr ? record->options.token().reason() : cancel_reason::none;
}

std::string_view key_of(const job_record* record) noexcept
{
    return record != nullptr ? std::string_view(record->options.key()) : std::string_view();
}

} // namespace detail

} // namespace weir
