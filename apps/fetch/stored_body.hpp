#pragma once

#include "begun_body.hpp"
#include "directory.hpp"
#include "parts.hpp"
#include "sha256.hpp"
#include "spool.hpp"

#include <weir/error.hpp>
#include <weir/http/body.hpp>
#include <weir/http/continuation.hpp>
#include <weir/http/error.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir_fetch {

/// Hashes a body, and stores it in a directory or holds it in a spool. Of one that broke off
/// earlier it asks for the rest, where that is sure to be of the same bytes.
class stored_body final : public weir::http::body {
public:
    /// Whether a file that has the name already stays, and the next free name is taken.
    using naming = directory::naming;

    /// What is to be known of bodies that get files.
    struct rules {
        bool keeps_failures = false; // the body of an answer of 400 or above, too
        std::uint64_t longest = std::numeric_limits<std::uint64_t>::max();
        parts* begun = nullptr; // where parts are looked for; null when none is continued
        bool is_named = false;  // by its line, and not after its URL
    };

    /// With a null `home`, the body is not stored. Without `hashed`, it is not hashed.
    stored_body(directory* home, std::string name, naming how, bool hashed, const rules& by);
    stored_body(std::unique_ptr<spool> held, bool hashed);
    ~stored_body() override;

    void ask(weir::http::request& what) override;
    std::optional<weir::http::failure> begin(const weir::http::request& asked,
                                             const weir::http::response& head) override;
    bool asks_again() override { return std::exchange(again_, false); }
    weir::error_code write(std::string_view part) override;

    /// What is known about a file only at its end.
    struct labels {
        std::string name;                             // in its folder; empty: as it was created
        std::optional<std::chrono::sys_seconds> time; // of its last change; nothing: now
    };
    /// How the fetch has ended.
    enum class ending {
        whole,    ///< the file is kept
        broken,   ///< another run may fetch the rest
        discarded ///< nobody wants what there is
    };

    /// To be called once, when the fetch has ended.
    weir::error_code finish(ending how, const labels& with);

    /// Whether its request was for the header alone.
    bool asked_for_head() const noexcept { return asked_for_head_; }
    /// Bytes that were there before the fetch: its body is what followed.
    std::uint64_t continued_from() const noexcept { return continued_from_; }
    /// After `finish`: the sum; empty without `hashed`.
    const std::string& sha256_hex() const noexcept { return sum_; }
    /// After `finish`: the name of the stored file; empty when there is none.
    const std::string& file() const noexcept { return kept_as_; }
    /// After `finish`: the whole body; null without a spool.
    std::unique_ptr<spool> take_held() { return std::move(held_); }

private:
    std::string output() const;
    weir::error_code open();
    weir::error_code keep(const labels& with);
    std::optional<weir::http::failure> judge(const weir::http::request& asked,
                                             const weir::http::response& head);
    std::optional<weir::http::failure> go_on(const weir::http::response& head);
    void record_begin(const weir::http::request& asked, const weir::http::response& head);
    weir::error_code hash_part();
    void drop();
    void put_back();

    directory* home_ = nullptr;
    std::string name_;
    naming how_ = naming::free;
    rules by_;
    std::unique_ptr<spool> held_;
    std::unique_ptr<sha256> hash_;
    std::uint64_t hashed_ = 0;
    std::unique_ptr<new_file> file_;
    std::string url_;                 // that is asked for
    std::string request_;             // what is sent with it
    std::optional<begun_body> begun_; // what is known of the file, if it may be continued
    std::optional<weir::http::continuation> rest_; // it is asked for
    std::uint64_t offset_ = 0;                     // the rest begins there
    std::uint64_t continued_from_ = 0;
    bool prints_sum_ = false;
    bool takes_ = true; // the body belongs into the file
    bool asked_for_head_ = false;
    bool again_ = false;
    std::string sum_;
    std::string kept_as_;
};

} // namespace weir_fetch
