#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st; // OpenSSL's EVP_MD_CTX

namespace weir_fetch {

/// Computes the SHA-256 sum of bytes that arrive in parts.
class sha256 {
public:
    sha256();

    void add(std::string_view part);
    /// The sum of all that was added, in hex. To be called once.
    std::string hex();

private:
    std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

} // namespace weir_fetch
