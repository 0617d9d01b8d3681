#include <weir/policy/retry_attempts.hpp>

#include <ostream>

namespace weir {
namespace {

std::string text_of(const retry_attempt& attempt)
{
    if (attempt.exception) {
        try {
            std::rethrow_exception(attempt.exception);
        } catch (const std::exception& e) {
            return e.what();
        } catch (...) {
            return "an exception that is no std::exception";
        }
    }
    return attempt.error ? attempt.error.message() : "ok";
}

} // namespace

std::string to_string(const retry_attempts& attempts)
{
    std::string text = std::to_string(attempts.size()) +
                       (attempts.size() == 1 ? " attempt (" : " attempts (") +
                       to_string(attempts.stop()) + ")";
    const char* between = ": ";
    for (const retry_attempt& each : attempts) {
        text += between + text_of(each);
        between = "; ";
    }
    return text;
}

std::ostream& operator<<(std::ostream& os, const retry_attempts& attempts)
{
    return os << to_string(attempts);
}

} // namespace weir
