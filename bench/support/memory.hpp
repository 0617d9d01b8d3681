#pragma once

#include <unistd.h>

#include <cstdio>

namespace bench {

/// What this process has in memory now.
inline double resident_bytes()
{
    long total = 0, resident = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%ld %ld", &total, &resident) != 2)
            resident = 0;
        std::fclose(file);
    }
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// The most it ever had.
inline double peak_bytes()
{
    char line[128];
    long kilobytes = 0;
    if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
        while (std::fgets(line, sizeof line, file) != nullptr)
            if (std::sscanf(line, "VmHWM: %ld kB", &kilobytes) == 1)
                break;
        std::fclose(file);
    }
    return static_cast<double>(kilobytes) * 1024;
}

} // namespace bench
