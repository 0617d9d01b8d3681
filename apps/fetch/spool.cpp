#include "spool.hpp"

#include "unnamed_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace weir_fetch {
namespace {

weir::error_code last_error()
{
    return weir::error_code(errno, boost::system::system_category());
}

} // namespace

spool::~spool()
{
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

weir::error_code spool::open()
{
    weir::error_code error;
    descriptor_ = open_unnamed(folder_, error);
    return error;
}

weir::error_code spool::write_file(std::string_view part) const
{
    while (!part.empty()) {
        const auto n = ::write(descriptor_, part.data(), part.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return last_error();
        part.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

weir::error_code spool::write(std::string_view part)
{
    if (descriptor_ >= 0)
        return write_file(part);
    if (held_.size() + part.size() <= in_memory) {
        held_ += part;
        return {};
    }
    if (const auto error = open())
        return error;
    const std::string begin = std::exchange(held_, std::string());
    if (const auto error = write_file(begin))
        return error;
    return write_file(part);
}

std::string_view spool::read(weir::error_code& error)
{
    error = {};
    if (descriptor_ < 0)
        return read_++ == 0 ? std::string_view(held_) : std::string_view();
    held_.resize(in_memory);
    for (;;) {
        const auto n = ::pread(descriptor_, held_.data(), held_.size(), static_cast<off_t>(read_));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            error = last_error();
        const auto size = static_cast<std::size_t>(n < 0 ? 0 : n);
        read_ += size;
        return std::string_view(held_.data(), size);
    }
}

} // namespace weir_fetch
