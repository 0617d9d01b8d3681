#include <weir/http/detail/local_names.hpp>

#include <weir/http/detail/host_port.hpp>
#include <weir/http/detail/url_encoding.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <sys/stat.h>

namespace weir::http::detail {
namespace {

namespace asio = boost::asio;

bool is_localhost(std::string_view name)
{
    return name == "localhost" || name.ends_with(".localhost");
}

name_answer of_family(const addresses& all, address_family which)
{
    name_answer answer;
    std::copy_if(
        all.begin(), all.end(), std::back_inserter(answer.found),
        [which](const auto& each) { return each.is_v6() == (which == address_family::v6); });
    if (answer.found.empty())
        answer.error = asio::error::no_data;
    return answer;
}

} // namespace

std::map<std::string, addresses> parse_hosts(std::string_view text)
{
    std::map<std::string, addresses> result;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        line.resize(std::min(line.find('#'), line.size()));
        std::istringstream words(line);
        std::string word;
        words >> word;
        error_code error;
        const auto address = asio::ip::make_address(word, error);
        if (error)
            continue;
        while (words >> word)
            result[ascii_lower(word)].push_back(address);
    }
    return result;
}

std::optional<name_answer> local_names::find(std::string_view name, address_family which)
{
    error_code error;
    const auto literal = asio::ip::make_address(name, error);
    if (!error)
        return of_family(addresses(1, literal), which);
    const std::string key = ascii_lower(without_last_dot(name));
    if (is_localhost(key)) {
        addresses loopback;
        loopback.emplace_back(asio::ip::address_v6::loopback());
        loopback.emplace_back(asio::ip::address_v4::loopback());
        return of_family(loopback, which);
    }
    read_if_changed();
    const auto at = hosts_.find(key);
    if (at == hosts_.end())
        return std::nullopt;
    return of_family(at->second, which);
}

void local_names::read_if_changed()
{
    struct stat found = {};
    if (::stat(path_.c_str(), &found) != 0) {
        hosts_.clear();
        size_ = -1;
        return;
    }
    if (found.st_size == size_ && found.st_mtim.tv_sec == changed_.tv_sec &&
        found.st_mtim.tv_nsec == changed_.tv_nsec)
        return;
    std::ifstream file(path_);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    hosts_ = parse_hosts(text);
    size_ = found.st_size;
    changed_ = found.st_mtim;
}

} // namespace weir::http::detail
