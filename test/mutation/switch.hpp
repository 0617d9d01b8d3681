// Which fault is meant: read once from WEIR_MUTANT. Stands in the copy of the tree that
// test/mutation/mutate.py rewrites. WEIR_MUTANT_REACHED names a file of `most` bytes, shared with
// forked processes: the byte of each place that was executed becomes 1.
#pragma once

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

struct weir_mutant_switch {
    static constexpr int most = 4096;
    std::atomic<int> on{-1};
    std::atomic<unsigned char*> reached{nullptr};

    int read() noexcept
    {
        if (const char* name = std::getenv("WEIR_MUTANT_REACHED")) {
            const int file = ::open(name, O_RDWR);
            void* bytes = ::mmap(nullptr, most, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            ::close(file);
            if (bytes != MAP_FAILED)
                reached.store(static_cast<unsigned char*>(bytes));
        }
        const char* value = std::getenv("WEIR_MUTANT");
        const int mutant = value != nullptr ? std::atoi(value) : 0;
        on.store(mutant);
        return mutant;
    }
};
inline constinit weir_mutant_switch weir_mutants;

inline bool weir_mutant(int k) noexcept
{
    int on = weir_mutants.on.load(std::memory_order_relaxed);
    if (on < 0)
        on = weir_mutants.read();
    if (unsigned char* reached = weir_mutants.reached.load(std::memory_order_relaxed))
        __atomic_store_n(reached + k, 1, __ATOMIC_RELAXED);
    return on == k;
}
