#pragma once

#include "begun_body.hpp"
#include "journal.hpp"
#include "sha256.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir_fetch {

/// A part of a body that is there, and is not being written.
struct kept_part {
    begun_body of;
    std::unique_ptr<sha256> hash; // of its first `hashed` bytes; null when not known
    std::uint64_t hashed = 0;
};

/// Bodies that broke off, and may be continued: by another attempt, or, where there is a journal,
/// by another run.
class parts {
public:
    /// Goes on with those that `results` knows, and records there what is begun. It outlives this.
    void join(journal& results);

    /// A body is about to be written. False when it could not be recorded.
    bool begin(const begun_body& what);
    /// Keeps a part that broke off, for the next attempt.
    void put(kept_part what);
    /// The part of this request, for the attempt that continues it: of its URL, of what is sent
    /// with it (`fingerprint_of`), and of the name that its line asks for.
    std::optional<kept_part> take(const std::string& url, const std::string& request,
                                  const std::string& output);

    /// Whether another run can continue them.
    bool last() const noexcept { return journal_ != nullptr; }
    /// Those that nobody has taken.
    std::vector<begun_body> take_all();

private:
    journal* journal_ = nullptr;
    std::unordered_multimap<std::string, kept_part> by_key_; // of what `take` is given
};

} // namespace weir_fetch
