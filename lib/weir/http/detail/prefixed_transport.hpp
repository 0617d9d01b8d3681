#pragma once

#include <weir/http/io_step.hpp>
#include <weir/http/network.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace weir::http::detail {

/// A transport some bytes of which were read already: they are read first.
class prefixed_transport final : public transport {
public:
    prefixed_transport(std::string first, std::unique_ptr<transport> rest);

    io_step try_read(char* to, std::size_t size) override;
    io_step try_write(const char* from, std::size_t size) override;
    io_step peek() override;
    boost::asio::awaitable<error_code> wait(io_step::state what) override;

private:
    std::string first_;
    std::unique_ptr<transport> rest_;
};

} // namespace weir::http::detail
