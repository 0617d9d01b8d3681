#pragma once

#include <weir/http/io_step.hpp>
#include <weir/http/network.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>

namespace weir::http::detail {

/// TLS as a transport, so that more can go through it: TLS with the end of a tunnel that an https
/// proxy made.
class secure_transport final : public transport {
public:
    /// `tls` uses `line`.
    secure_transport(std::unique_ptr<transport> line, std::unique_ptr<secure_session> tls);

    io_step try_read(char* to, std::size_t size) override;
    io_step try_write(const char* from, std::size_t size) override
    {
        return tls_->write(from, size);
    }
    /// `done` may be said of bytes that are TLS's own.
    io_step peek() override;
    boost::asio::awaitable<error_code> wait(io_step::state what) override;

private:
    /// Whether TLS may have bytes for a reader. It may also have a part of a record, which only the
    /// line can complete: then the last read said so.
    bool has_more() const { return !starved_ && tls_->has_pending(); }

    std::unique_ptr<transport> line_;
    std::unique_ptr<secure_session> tls_;
    bool starved_ = false;
};

} // namespace weir::http::detail
