#pragma once

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::test {

/// By zlib; `format` is the windowBits of deflateInit2: 15 for zlib's, 31 for gzip's, -15 for none.
inline std::string deflated(std::string_view text, int format)
{
    z_stream zlib{};
    if (::deflateInit2(&zlib, Z_BEST_COMPRESSION, Z_DEFLATED, format, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        throw std::runtime_error("deflateInit2");
    std::string out(::deflateBound(&zlib, text.size()), '\0');
    std::string in(text);
    zlib.next_in = reinterpret_cast<Bytef*>(in.data());
    zlib.avail_in = static_cast<uInt>(in.size());
    zlib.next_out = reinterpret_cast<Bytef*>(out.data());
    zlib.avail_out = static_cast<uInt>(out.size());
    const int done = ::deflate(&zlib, Z_FINISH);
    out.resize(zlib.total_out);
    ::deflateEnd(&zlib);
    if (done != Z_STREAM_END)
        throw std::runtime_error("deflate");
    return out;
}

inline std::string to_gzip(std::string_view text)
{
    return deflated(text, 31);
}

inline std::string to_zlib(std::string_view text)
{
    return deflated(text, 15);
}

inline std::string to_raw_deflate(std::string_view text)
{
    return deflated(text, -15);
}

/// By libbrotlienc, with a window of 2^`window_log` bytes.
inline std::string to_br(std::string_view text, int window_log = BROTLI_DEFAULT_WINDOW)
{
    std::size_t size = ::BrotliEncoderMaxCompressedSize(text.size());
    std::string out(size, '\0');
    if (::BrotliEncoderCompress(5, window_log, BROTLI_MODE_GENERIC, text.size(),
                                reinterpret_cast<const std::uint8_t*>(text.data()), &size,
                                reinterpret_cast<std::uint8_t*>(out.data())) == BROTLI_FALSE)
        throw std::runtime_error("BrotliEncoderCompress");
    out.resize(size);
    return out;
}

/// By libzstd, as a stream whose length is not said before, with a window of 2^`window_log` bytes.
inline std::string to_zstd(std::string_view text, int window_log = 17)
{
    ZSTD_CCtx* const context = ::ZSTD_createCCtx();
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    std::string out(::ZSTD_compressBound(text.size()) + 64, '\0');
    ZSTD_inBuffer from{text.data(), text.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    std::size_t left = ::ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue);
    if (!::ZSTD_isError(left))
        left = ::ZSTD_compressStream2(context, &to, &from, ZSTD_e_end);
    ::ZSTD_freeCCtx(context);
    if (left != 0)
        throw std::runtime_error("ZSTD_compressStream2");
    out.resize(to.pos);
    return out;
}

} // namespace weir::test
