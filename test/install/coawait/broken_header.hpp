#pragma once

#include <boost/asio/awaitable.hpp>

#include <string>
#include <utility>

struct person {
    std::string name;
};

inline boost::asio::awaitable<std::size_t> length_of(person who)
{
    co_return who.name.size();
}

inline boost::asio::awaitable<std::size_t> length(std::string name)
{
    co_return co_await length_of({std::move(name)});
}
