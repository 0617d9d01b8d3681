#include <weir/http/detail/tls_refusal.hpp>

#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>

namespace weir::http::detail {

std::optional<failure> refused_by_tls(const error_code& of_read)
{
    if (of_read.category() != boost::asio::error::get_ssl_category() ||
        ERR_GET_REASON(static_cast<unsigned long>(of_read.value())) !=
            SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED)
        return std::nullopt;
    return failure(error_class::tls, std::string(certificate_wanted), of_read);
}

} // namespace weir::http::detail
