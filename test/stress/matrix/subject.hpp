#pragma once

#include "stress/matrix/probe.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir::test {

/// A primitive, and an operation of it that waits.
class subject {
public:
    subject() = default;
    subject(const subject&) = delete;
    subject& operator=(const subject&) = delete;
    virtual ~subject() = default;

    virtual void start(probe<boost::asio::any_io_executor> handler) = 0;
    virtual void start(probe<inline_executor> handler) = 0;
    virtual void start(probe<void> handler) = 0;
    /// No more are started: lets go of executors that must not outlive their context.
    virtual void started() {}
    /// Lets every operation that was started complete. It may be called while the context of the
    /// primitive's own executor is being destroyed by another thread.
    virtual void finish() {}
};

/// A subject whose `Derived` has `template <class Handler> void begin(Handler)`.
template <class Derived>
class subject_of : public subject {
public:
    void start(probe<boost::asio::any_io_executor> handler) final { begin(std::move(handler)); }
    void start(probe<inline_executor> handler) final { begin(std::move(handler)); }
    void start(probe<void> handler) final { begin(std::move(handler)); }

private:
    template <class Handler>
    void begin(Handler handler)
    {
        static_cast<Derived*>(this)->begin(std::move(handler));
    }
};

/// A row of the matrix: an operation of a primitive.
struct row {
    std::string name;
    std::function<std::unique_ptr<subject>(boost::asio::any_io_executor own)> make;
};

inline std::vector<row>& rows()
{
    static std::vector<row> all;
    return all;
}

/// Puts a row into the matrix: `const add_row<acquire> r("semaphore, async_acquire");`
template <class Subject>
struct add_row {
    template <class... Args>
    explicit add_row(std::string name, Args... args)
    {
        rows().push_back({std::move(name), [args...](boost::asio::any_io_executor own) {
                              return std::make_unique<Subject>(std::move(own), args...);
                          }});
    }
};

} // namespace weir::test
