#pragma once

// How often a test repeats what it draws at random. A build with a sanitizer runs several times
// more slowly and looks for faults of memory, which the first draws show as well: a quarter there.

namespace weir::test {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEIR_TEST_SANITIZED
#endif
#endif

template <class Number>
constexpr Number repeats(Number n)
{
#if defined(WEIR_TEST_SANITIZED)
    return (n + 3) / 4;
#else
    return n;
#endif
}

#undef WEIR_TEST_SANITIZED

} // namespace weir::test
