#include <weir/http/detail/io_failure.hpp>

#include <weir/http/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>

namespace weir::http::detail {

void throw_as_io(const std::exception_ptr& error, const std::string& what)
{
    try {
        std::rethrow_exception(error);
    } catch (const failed&) {
        throw;
    } catch (const boost::system::system_error& e) {
        if (e.code() == boost::asio::error::operation_aborted)
            throw;
        throw failed(failure(error_class::io, what + ": " + e.code().message(), e.code()));
    } catch (const std::exception& e) {
        throw failed(failure(error_class::io, what + ": " + e.what(),
                             boost::system::errc::make_error_code(boost::system::errc::io_error)));
    } catch (...) {
        throw failed(failure(error_class::io, what + ": an exception that is no std::exception",
                             boost::system::errc::make_error_code(boost::system::errc::io_error)));
    }
}

} // namespace weir::http::detail
