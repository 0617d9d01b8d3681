#include <weir/error.hpp>

#include <boost/system/error_condition.hpp>

#include <string>

namespace weir {
namespace {

// Null for a value that is none of ours.
const char* text_of(errc e) noexcept
{
    switch (e) {
    case errc::closed:
        return "closed: nothing more is taken in";
    case errc::full:
        return "full: there is no room now";
    case errc::timed_out:
        return "the time allowed was over";
    case errc::too_large:
        return "more was asked for than the limit can ever grant";
    case errc::no_capacity:
        return "the channel has capacity 0: there is nothing to reserve";
    case errc::taken:
        return "the outcome was taken before: a task gives it out once";
    case errc::not_in_time:
        return "the job would wait past its deadline, as it looks now";
    case errc::breaker_open:
        return "the breaker is open: too many calls failed of late";
    case errc::failed:
        return "the work failed with an exception that has no error code";
    case errc::held_too_long:
        return "the key is held for longer than the longest hold that is waited for";
    }
    return nullptr;
}

class weir_category final : public error_category {
public:
    const char* name() const noexcept override { return "weir"; }

    std::string message(int value) const override
    {
        if (const char* text = text_of(static_cast<errc>(value)))
            return text;
        return "unknown weir error " + std::to_string(value);
    }

    boost::system::error_condition default_error_condition(int value) const noexcept override
    {
        if (static_cast<errc>(value) == errc::timed_out)
            return {boost::system::errc::timed_out, boost::system::generic_category()};
        return {value, *this};
    }
};

} // namespace

const error_category& category() noexcept
{
    static const weir_category instance;
    return instance;
}

error_code make_error_code(errc e) noexcept
{
    return {static_cast<int>(e), category()};
}

} // namespace weir
