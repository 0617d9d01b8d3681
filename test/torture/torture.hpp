#pragma once

#include "support/simulation.hpp"
#include "torture/allocations.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <new>

namespace weir::test {

/// The library's allocations fail while this object lives, as `each_allocation_fails` says.
class while_they_fail {
public:
    while_they_fail() noexcept { count_allocations(true); }
    while_they_fail(const while_they_fail&) = delete;
    while_they_fail& operator=(const while_they_fail&) = delete;
    ~while_they_fail() { count_allocations(false); }
};

/// Calls `f` while allocations fail. False: it threw `std::bad_alloc`.
template <class Function>
bool survives(Function&& f)
{
    const while_they_fail here;
    try {
        f();
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

/// Runs what is ready, and returns how many handlers threw `std::bad_alloc`.
std::size_t run_on(sim::world& world);
std::size_t run_on(boost::asio::io_context& io);

/// Runs `scenario` once for each allocation of the library's that fails, alone and with all after
/// it, until none is left that could. At least `least` of them are seen. Nothing may leak.
///
/// The scenario says when they fail, by `survives` or `while_they_fail`, and checks what becomes of
/// it.
void each_allocation_fails(std::size_t least, const std::function<void()>& scenario);

/// The same in a simulation.
template <class Body>
void each_allocation_fails_in(std::size_t least, Body body)
{
    each_allocation_fails(least, [&body] {
        simulation s(1);
        body(s);
    });
}

} // namespace weir::test
