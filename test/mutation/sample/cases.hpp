// Faults in here are killed, survive, hang, or are never executed. What does not compile stands in
// self_test.py.
#pragma once

namespace sample {

inline int countdown(int n)
{
    int steps = 0;
    while (n > 0) {
        n = n - 1;
        steps = steps + 1;
    }
    return steps;
}
inline int larger(int a, int b)
{
    if (a < b)
        return b;
    return a;
}
inline bool nobody_asks(bool a, bool b)
{
    return a && b;
}

} // namespace sample
