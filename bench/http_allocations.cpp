// How many allocations the HTTP client makes for a request, once it has warmed up.

#include "support/bench.hpp"
#include "support/count_allocations.hpp"
#include "support/http_crowd.hpp"

#include <utility>

using bench::report;

namespace {

constexpr std::int64_t to_warm_up = 1'000;

report count(bench::http::client_options options, std::int64_t items)
{
    bench::asio::io_context io(1);
    bench::http::client client(io.get_executor(), std::move(options));
    bench::crowd all(client, bench::get_of_driver(), to_warm_up + items);
    std::uint64_t before = 0, after = 0;
    all.on_answer = [&](std::int64_t answered) {
        if (answered == to_warm_up)
            before = bench::allocation_calls;
        else if (answered == to_warm_up + items - std::int64_t(bench::connections))
            after = bench::allocation_calls; // from here on coroutines end
    };
    const std::uint64_t answered = all.run(io);
    const double each = static_cast<double>(after - before) /
                        static_cast<double>(items - std::int64_t(bench::connections));
    return {answered - to_warm_up, {{"allocations", each}}};
}

report get(std::int64_t items)
{
    return count(bench::client_of_driver(), items);
}

report get_within_limits(std::int64_t items)
{
    auto options = bench::client_of_driver();
    options.requests(bench::every_limit()).max_header(64 * 1024);
    return count(std::move(options), items);
}

} // namespace

int main(int argc, char** argv)
{
    return bench::main(argc, argv, {{"get", get}, {"get_within_limits", get_within_limits}});
}
