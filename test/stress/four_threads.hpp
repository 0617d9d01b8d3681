#pragma once

#include "support/watchdog.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <thread>
#include <vector>

namespace weir::test {

/// Four threads behind one executor.
class four_threads {
public:
    explicit four_threads(bool io) : io_(io)
    {
        for (int i = 0; io && i < 4; ++i)
            threads_.emplace_back([this] { context_.run(); });
    }
    four_threads(const four_threads&) = delete;
    four_threads& operator=(const four_threads&) = delete;
    ~four_threads()
    {
        work_.reset();
        for (std::thread& t : threads_)
            t.join();
        pool_.join();
    }

    boost::asio::any_io_executor get_executor()
    {
        if (io_)
            return context_.get_executor();
        return pool_.get_executor();
    }

private:
    const bool io_;
    boost::asio::thread_pool pool_{4};
    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        context_.get_executor()};
    std::vector<std::thread> threads_;
};

template <class Test>
void on_four_threads(Test test)
{
    const watchdog guard;
    for (const bool io : {false, true}) {
        four_threads threads(io);
        test(threads.get_executor());
    }
}

} // namespace weir::test
