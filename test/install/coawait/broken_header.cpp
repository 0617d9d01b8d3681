#include "broken_header.hpp"

boost::asio::awaitable<std::size_t> use(std::string name)
{
    return length(std::move(name));
}
