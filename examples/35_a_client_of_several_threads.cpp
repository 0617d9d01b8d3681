// Fetches the URLs given as arguments on two threads, under limits that hold for both together.
#include <weir/http/client_group.hpp>
#include <weir/weir.hpp>

#include <boost/asio/use_future.hpp>

#include <chrono>
#include <cstdio>
#include <future>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;

// [group]
int fetch_all(weir::runner_pool& runners, const std::vector<std::string>& urls)
{
    http::client_options options;
    options.per_host(4).per_client(100).requests(http::request_options().total_timeout(5s));
    http::client_group group(runners, options);
    std::vector<std::future<http::response>> asked; // from this thread, which is no runner
    for (const std::string& url : urls)
        asked.push_back(group.async_get(url, asio::use_future));
    int good = 0;
    for (std::future<http::response>& each : asked) {
        const http::response answer = each.get();
        good += !answer.error && answer.status == 200 ? 1 : 0;
    }
    return good; // the group ends here, and closes its connections
}
// [/group]

int main(int count, char** arguments)
{
    const std::vector<std::string> urls(arguments + 1, arguments + count);
    weir::runner_pool runners(2);
    const int good = fetch_all(runners, urls);
    runners.join();
    std::printf("%d of %zu are here\n", good, urls.size());
    return good == static_cast<int>(urls.size()) ? 0 : 1;
}
