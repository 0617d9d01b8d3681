#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>

namespace weir::detail {

/// A cancellation signal that is emitted only while the operation at its slot exists: at other
/// times the slot may refer to what is gone, or to a coroutine that Boost 1.81 would lose.
///
/// Shape: `begins` when the operation can be reached, `ended` when it cannot any more, also when
///        its context destroys it.
/// Threads: all calls on the operation's serial executor.
class guarded_signal {
public:
    boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }

    void begins() noexcept { reachable_ = true; }
    void ended() noexcept { reachable_ = false; }

    void cancel()
    {
        if (reachable_)
            signal_.emit(boost::asio::cancellation_type::terminal);
    }

private:
    boost::asio::cancellation_signal signal_;
    bool reachable_ = false;
};

} // namespace weir::detail
