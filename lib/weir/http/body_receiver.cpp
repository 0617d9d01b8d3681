#include <weir/http/body_receiver.hpp>

#include <boost/system/errc.hpp>

namespace weir::http {

boost::asio::awaitable<error_code> body_receiver::begin(std::uint64_t offset, const response&)
{
    if (offset != 0)
        co_return boost::system::errc::make_error_code(boost::system::errc::invalid_seek);
    co_return error_code();
}

boost::asio::awaitable<error_code> body_receiver::end()
{
    co_return error_code();
}

} // namespace weir::http
