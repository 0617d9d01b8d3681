// expect: an item of a range that is an lvalue is copied
#include <weir/flow/as_jobs.hpp>
#include <weir/flow/for_each.hpp>

#include <memory>
#include <vector>

boost::asio::awaitable<void> owner(weir::task_pool& tasks, std::vector<std::unique_ptr<int>> items,
                                   std::vector<int> others)
{
    auto fine = weir::as_jobs(tasks, [](int&) {});
    co_await weir::for_each(others, 2, fine);
#ifdef WEIR_MISUSE
    auto job = weir::as_jobs(tasks, [](std::unique_ptr<int>&) {});
    co_await weir::for_each(items, 2, job);
#endif
}
