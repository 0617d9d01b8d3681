// expect: the description is called with a const Item&, and returns
#include <weir/flow/as_jobs.hpp>
#include <weir/flow/for_each.hpp>

#include <string>
#include <vector>

struct page {
    std::string host;
};

boost::asio::awaitable<void> owner(weir::task_pool& tasks, std::vector<page> pages)
{
    auto fine = weir::as_jobs(tasks, [](page&) {});
    co_await weir::for_each(pages, 2, fine);
#ifdef WEIR_MISUSE
    auto job = weir::as_jobs(
        tasks, [](page&) {}, &page::host);
    co_await weir::for_each(pages, 2, job);
#endif
}
