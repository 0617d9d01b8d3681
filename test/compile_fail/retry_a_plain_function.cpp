// expect: returns a coroutine or a deferred operation
#include <weir/policy/retry.hpp>

#include <boost/asio/awaitable.hpp>

boost::asio::awaitable<int> ask();
int ask_and_wait();

boost::asio::awaitable<void> owner()
{
    (void)co_await weir::async_retry(weir::retry_policy(3), ask);
#ifdef WEIR_MISUSE
    (void)co_await weir::async_retry(weir::retry_policy(3), ask_and_wait);
#endif
}
