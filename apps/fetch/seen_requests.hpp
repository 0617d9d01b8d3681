#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir_fetch {

/// 128 bits that stand for a text: nobody can make two texts that have the same.
///
/// Source: the first half of SHA-256.
using fingerprint = std::array<std::uint64_t, 2>;
fingerprint fingerprint_of(std::string_view text);

/// Which fingerprints were seen, and with which number each came first.
///
/// Shape: the newest are in memory. When there are many they are sorted and written to a file
///        without a name, a run; two runs of about the same length are merged to one.
/// Memory: 3 MiB, and a fingerprint for each 128 in the files: 10^7 of them cost 1.3 MB more.
/// Errors: `find_or_add` throws boost::system::system_error when a file cannot be used.
class seen_requests {
public:
    struct record {
        fingerprint of{};
        std::uint64_t number = 0; // from 1
    };

    /// Files are made in `folder`. `in_memory` is how many are in memory, a power of 2.
    explicit seen_requests(std::string folder, std::size_t in_memory = 64 * 1024);
    seen_requests(const seen_requests&) = delete;
    seen_requests& operator=(const seen_requests&) = delete;
    ~seen_requests();

    /// The number it came with first; nothing when it is new, and then it is noted with `number`.
    std::optional<std::uint64_t> find_or_add(const fingerprint& which, std::uint64_t number);

    /// How many files there are.
    std::size_t runs() const noexcept { return runs_.size(); }

private:
    struct run {
        int file = -1;
        std::uint64_t size = 0;
        std::vector<fingerprint> first_of; // each block
    };
    class reader;
    class writer;

    record& slot_of(const fingerprint& which);
    std::optional<std::uint64_t> find_in(const run& where, const fingerprint& which) const;
    void flush();
    run merged(const run& a, const run& b) const;

    std::string folder_;
    std::vector<record> table_; // twice as many as are in it; number 0: free
    std::size_t held_ = 0;
    std::vector<run> runs_; // the longest first
};

} // namespace weir_fetch
