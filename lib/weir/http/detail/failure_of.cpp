#include <weir/http/detail/failure_of.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

namespace weir::http::detail {

namespace asio = boost::asio;

failure failure_of(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    } catch (const failed& f) {
        return f.reason();
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted)
            return failure(error_class::aborted, "cancelled", e.code());
        return failure(error_class::internal, e.code().message(), e.code());
    } catch (const std::exception& e) {
        return failure(error_class::internal, e.what());
    } catch (...) {
        return failure(error_class::internal, "an exception that is no std::exception");
    }
}

response failed_response(const std::exception_ptr& error)
{
    response answer;
    answer.error = failure_of(error);
    return answer;
}

} // namespace weir::http::detail
