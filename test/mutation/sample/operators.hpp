// What self_test.py looks for faults in: a line for each operator, and what is passed by.
#pragma once

#include <utility>

namespace sample {

template <int N>
struct sized {
    static constexpr int size = N + 1;
};
static_assert(sized<1>::size == 2);
constexpr bool is_small(int n)
{
    return n < 10;
}

inline void note(int& calls)
{
    calls += 2;
}

inline bool same(int a, int b)
{
    return a == b;
}
inline bool below(int a, int b)
{
    return a < b;
}
inline bool both(bool a, bool b)
{
    return a && b;
}
inline int sign(bool negative)
{
    return negative ? -3 : 3;
}
inline int three()
{
    return 3;
}
inline bool yes()
{
    return true;
}
inline int taken(int& from)
{
    return std::exchange(from, 7);
}

struct box {
    box* next;
};
inline box* step(box*& b)
{
    return std::exchange(b, nullptr)->next;
}

inline void count(int& calls)
{
    note(calls);
    while (calls > 5)
        --calls;
}

template <class T>
int sum(T first, T last) noexcept(sized<0>::size == 1)
{
    int total = 0;
    for (; first != last; ++first)
        total = total + *first;
    if constexpr (sizeof(T) == 1)
        total = 2;
    return total;
}

} // namespace sample
