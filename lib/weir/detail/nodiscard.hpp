#pragma once

// What must not be dropped, and why, as the compiler says it. Macros, because every header that
// declares such a thing gives the same reason.

/// For a function that starts an operation. With a token that starts it at once, such as a
/// callback, there is nothing to discard.
#define WEIR_NODISCARD_OPERATION                                                                   \
    [[nodiscard(                                                                                   \
        "an operation without a token begins when it is awaited; dropped, it does nothing")]]

/// For a class of handles.
#define WEIR_NODISCARD_HANDLE                                                                      \
    [[nodiscard("a handle that is dropped gives back at once what it holds")]]

/// For the handle to a job.
#define WEIR_NODISCARD_TASK                                                                        \
    [[nodiscard("the job goes on, but nothing can ask for its outcome any more")]]

/// For the result of a send.
#define WEIR_NODISCARD_SENT                                                                        \
    [[nodiscard("it says whether the value was sent; one that was not is handed back here")]]
