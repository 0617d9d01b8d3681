#include "sha256.hpp"

#include <openssl/evp.h>

#include <cstddef>
#include <stdexcept>

namespace weir_fetch {
namespace {

const EVP_MD* algorithm()
{
    // Fetched once: looking the algorithm up costs more than hashing a small body.
    static const EVP_MD* found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return found ? found : EVP_sha256();
}

} // namespace

sha256::sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free)
{
    if (!context_ || EVP_DigestInit_ex(context_.get(), algorithm(), nullptr) != 1)
        throw std::runtime_error("SHA-256 is not available");
}

void sha256::add(std::string_view part)
{
    if (EVP_DigestUpdate(context_.get(), part.data(), part.size()) != 1)
        throw std::runtime_error("SHA-256 failed");
}

std::string sha256::hex()
{
    static constexpr std::string_view digits = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex(context_.get(), sum, &length) != 1)
        throw std::runtime_error("SHA-256 failed");
    std::string out(2 * std::size_t{length}, '0');
    auto to = out.begin();
    for (unsigned i = 0; i < length; ++i) {
        *to++ = digits[sum[i] >> 4];
        *to++ = digits[sum[i] & 15];
    }
    return out;
}

} // namespace weir_fetch
