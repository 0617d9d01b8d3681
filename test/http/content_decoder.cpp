#include <weir/http/detail/content_decoder.hpp>

#include "http/support/encoding.hpp"
#include "http/support/reading.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using weir::http::decoding_options;
using weir::http::error_class;
using weir::http::failure;
using weir::http::detail::content_coding;
using weir::http::detail::content_decoder;
using weir::http::detail::memory_account;
using weir::test::in_parts_of;
using weir::test::to_br;
using weir::test::to_gzip;
using weir::test::to_raw_deflate;
using weir::test::to_zlib;
using weir::test::to_zstd;
using codings = std::vector<content_coding>;

BOOST_AUTO_TEST_SUITE(http_content_decoder)

using enum content_coding;

constexpr std::size_t buffer = 32 * 1024;
constexpr std::size_t mebibyte = 1024 * 1024;

struct decoded_body {
    std::string text;
    std::string error; // its class and text
    std::size_t peak = 0;
    std::size_t largest_part = 0;
};

decoded_body decode(const codings& applied, const std::vector<std::string_view>& parts,
                    const decoding_options& options = decoding_options())
{
    decoded_body got;
    content_decoder decoder(applied, options);
    const auto failed = [&](const failure& why) {
        got.error = std::string(name(why.kind())) + ": " + why.text();
    };
    for (std::string_view part : parts) {
        auto now = decoder.read(part);
        for (; now && *now == content_decoder::state::data; now = decoder.read(part)) {
            got.text += decoder.data();
            got.largest_part = std::max(got.largest_part, decoder.data().size());
        }
        got.peak = decoder.memory().peak();
        if (!now) {
            failed(now.error());
            return got;
        }
        BOOST_TEST(part.empty());
    }
    if (const auto why = decoder.end())
        failed(*why);
    return got;
}

decoded_body decode(content_coding which, std::string_view body,
                    const decoding_options& options = decoding_options())
{
    return decode(codings{which}, {body}, options);
}

/// Words that come again, and stretches of noise: something for each coding to do.
std::string some_text(unsigned seed, std::size_t size)
{
    std::mt19937 random(seed);
    std::string text;
    while (text.size() < size) {
        if (random() % 4 == 0)
            for (int i = 0; i < 50; ++i)
                text += static_cast<char>(random());
        else
            text.append(1 + random() % 300, static_cast<char>('a' + random() % 7));
    }
    text.resize(size);
    return text;
}

struct encoding {
    content_coding which;
    std::function<std::string(std::string_view)> encode;
};

const encoding all_encodings[] = {
    {gzip, [](auto text) { return to_gzip(text); }},
    {deflate, [](auto text) { return to_zlib(text); }},
    {deflate, [](auto text) { return to_raw_deflate(text); }},
    {br, [](auto text) { return to_br(text); }},
    {zstd, [](auto text) { return to_zstd(text); }},
};

BOOST_AUTO_TEST_CASE(what_libraries_encode_is_decoded_however_it_is_cut)
{
    for (const unsigned seed : {1U, 2U, 3U, 4U})
        for (const encoding& each : all_encodings)
            for (const std::size_t size :
                 {std::size_t{0}, std::size_t{1}, std::size_t{999}, buffer, 3 * buffer + 17}) {
                const std::string text = some_text(seed, size);
                const std::string body = each.encode(text);
                for (const std::size_t step : {std::size_t{1}, std::size_t{7}, body.size()}) {
                    const auto got = decode({each.which}, in_parts_of(step, body));
                    BOOST_TEST_CONTEXT(name(each.which) << " " << size << " in " << step)
                    {
                        BOOST_TEST(got.error == "");
                        BOOST_TEST((got.text == text));
                        BOOST_TEST(got.largest_part <= buffer);
                    }
                }
            }
}

// What the programs of Debian 12 make of `print("0123456789" * 30)`.
BOOST_AUTO_TEST_CASE(what_other_programs_encoded_is_decoded)
{
    std::string text;
    for (int i = 0; i < 30; ++i)
        text += "0123456789";
    text += '\n';
    const struct {
        content_coding which;
        const char* by;
        std::string_view body;
    } rows[] = {
        {gzip,
         "gzip -9n",
         {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x33\x30\x34\x32\x36\x31\x35\x33\xb7\xb0"
          "\x34\x18\x65\x11\x60\x71\x01\x00\x21\x64\xc7\x88\x2d\x01\x00\x00",
          36}},
        {deflate,
         "zlib.compress(text, 6) of Python 3.11",
         {"\x78\x9c\x33\x30\x34\x32\x36\x31\x35\x33\xb7\xb0\x34\x18\x65\x11\x60\x71\x01\x00"
          "\x62\x75\x3d\x91",
          24}},
        {br,
         "brotli -q 11 -w 24",
         {"\x1f\x2c\x01\xf8\x45\x85\x63\x3e\xa3\x7a\x96\x22\x03\x86\x02\xe1\x52\x4e\xf5\xec"
          "\x3d\x00",
          22}},
        {zstd,
         "zstd -19 --long=23",
         {"\x28\xb5\x2f\xfd\x04\x68\x95\x00\x00\x58\x30\x31\x32\x33\x34\x35\x36\x37\x38\x39"
          "\x0a\x01\x00\x1f\x55\x0b\x12\x95\x41\x55\xd7",
          31}},
    };
    for (const auto& row : rows)
        for (const std::size_t step : {std::size_t{1}, row.body.size()})
            BOOST_TEST(decode({row.which}, in_parts_of(step, row.body)).text == text, row.by);
}

BOOST_AUTO_TEST_CASE(codings_are_undone_in_reverse_order)
{
    const std::string text = some_text(5, 2 * buffer);
    const std::string body = to_zstd(to_br(to_gzip(text)));
    for (const std::size_t step : {std::size_t{1}, std::size_t{100}, body.size()}) {
        const auto got = decode({gzip, br, zstd}, in_parts_of(step, body));
        BOOST_TEST(got.error == "");
        BOOST_TEST((got.text == text));
    }
    BOOST_TEST(
        decode({zstd, br, gzip}, {body}).error.starts_with("protocol: the body is no valid"));
}

BOOST_AUTO_TEST_CASE(a_body_without_a_byte_is_empty)
{
    for (const encoding& each : all_encodings)
        BOOST_TEST(decode(codings{each.which}, {}).error == "");
    BOOST_TEST(decode(codings{gzip, br}, {}).error == "");
    BOOST_TEST(decode({gzip, br}, {to_br("")}).error == "");
}

BOOST_AUTO_TEST_CASE(gzip_may_have_several_members_and_nothing_else_behind_them)
{
    const std::string two = to_gzip("one ") + to_gzip("") + to_gzip("two");
    for (std::size_t step = 1; step <= two.size(); ++step)
        BOOST_TEST(decode({gzip}, in_parts_of(step, two)).text == "one two");
    const std::string broken = "protocol: the body is no valid gzip: incorrect header check";
    for (const std::string& behind : {std::string("garbage"), std::string(512, '\0')}) {
        const auto got = decode(gzip, to_gzip("one") + behind);
        BOOST_TEST(got.text == "one");
        BOOST_TEST(got.error == broken);
    }
    BOOST_TEST(decode(gzip, to_gzip("one") + "\x1f").error ==
               "incomplete: the body ended inside its gzip data, after 3 decoded bytes");
}

BOOST_AUTO_TEST_CASE(zstd_may_have_several_frames_and_frames_to_skip)
{
    const std::string skip("\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
    const std::string body = to_zstd("one ") + skip + to_zstd("two") + skip;
    for (std::size_t step = 1; step <= body.size(); ++step) {
        const auto got = decode({zstd}, in_parts_of(step, body));
        BOOST_TEST(got.error == "");
        BOOST_TEST(got.text == "one two");
    }
}

// libzstd reads those of its versions before 1.0, too; as far as it gets depends on the cut.
BOOST_AUTO_TEST_CASE(zstd_frames_begin_as_its_rfc_says)
{
    for (int first = 0; first != 256; ++first) {
        const std::string begin(1, static_cast<char>(first));
        for (const std::size_t step : {1U, 4U, 9U}) {
            const std::string frame = begin + std::string("\xB5\x2F\xFD\x04\x58\x00\x00\x00", 8);
            const auto got = decode({zstd}, in_parts_of(step, frame)).error;
            BOOST_TEST(got.ends_with("Unknown frame descriptor") == (first != 0x28), got);
            const std::string skip = begin + std::string("\x2A\x4D\x18\x01\x00\x00\x00x", 8);
            BOOST_TEST((decode({zstd}, in_parts_of(step, skip)).error == "") ==
                       (first >= 0x50 && first <= 0x5F));
        }
    }
}

BOOST_AUTO_TEST_CASE(behind_other_codings_nothing_may_stand)
{
    for (const encoding& each : all_encodings) {
        if (each.which == gzip)
            continue;
        const std::string body = each.encode("text") + "behind it";
        for (const std::size_t step : {std::size_t{1}, body.size()}) {
            const auto got = decode({each.which}, in_parts_of(step, body));
            BOOST_TEST(got.text == "text");
            BOOST_TEST(got.error.starts_with("protocol: the body is no valid"));
        }
    }
    BOOST_TEST(decode(br, to_br("text") + "x").error ==
               "protocol: the body is no valid br: something stands behind it");
}

BOOST_AUTO_TEST_CASE(a_body_that_is_cut_off_is_incomplete_wherever_that_is)
{
    const std::string text = some_text(6, 300);
    for (const encoding& each : all_encodings) {
        const std::string body = each.encode(text);
        for (std::size_t size = 1; size < body.size(); ++size) {
            const auto got = decode({each.which}, in_parts_of(3, body.substr(0, size)));
            BOOST_TEST(got.error.starts_with("incomplete: the body ended inside its " +
                                             std::string(name(each.which))));
            BOOST_TEST(text.starts_with(got.text));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_outer_coding_may_be_whole_and_the_inner_one_cut_off)
{
    const std::string inner = to_gzip("text");
    BOOST_TEST(decode(codings{gzip, br}, {to_br(inner.substr(0, inner.size() - 1))}).error ==
               "incomplete: the body ended inside its gzip data, after 4 decoded bytes");
}

BOOST_AUTO_TEST_CASE(what_is_broken_says_of_which_coding_and_comes_after_what_was_good)
{
    std::string wrong_sum = to_gzip("good text");
    wrong_sum[wrong_sum.size() - 8] ^= 1;
    const auto got = decode(gzip, wrong_sum);
    BOOST_TEST(got.text == "good text");
    BOOST_TEST(got.error == "protocol: the body is no valid gzip: incorrect data check");
    BOOST_TEST(decode(gzip, "plain").error ==
               "protocol: the body is no valid gzip: incorrect header check");
    BOOST_TEST(
        decode(deflate, "plain").error.starts_with("protocol: the body is no valid deflate"));
    BOOST_TEST(decode(br, "\xff\xff\xff").error.starts_with("protocol: the body is no valid br"));
    BOOST_TEST(decode(zstd, "plain").error ==
               "protocol: the body is no valid zstd: Unknown frame descriptor");
    // a preset dictionary, which nobody has agreed on
    BOOST_TEST(decode(deflate, std::string("\x78\x20\x00\x00\x00\x01", 6)).error ==
               "protocol: the body is no valid deflate: it needs a dictionary");
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_is_noticed_or_changes_nothing)
{
    const std::string text = some_text(7, 400);
    for (const encoding& each : {all_encodings[0], all_encodings[1], all_encodings[4]}) {
        const std::string body = each.encode(text); // these have a sum over the text
        for (std::size_t bit = 0; bit < 8 * body.size(); ++bit) {
            std::string flipped = body;
            flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
            const auto got = decode(each.which, flipped);
            BOOST_TEST((!got.error.empty() || got.text == text), name(each.which) << " " << bit);
        }
    }
}

// ---- limits

BOOST_AUTO_TEST_CASE(of_a_body_that_grows_too_large_comes_what_is_allowed)
{
    const std::string text = some_text(8, 3 * buffer);
    for (const std::size_t most : {std::size_t{0}, std::size_t{10}, buffer, text.size() - 1}) {
        for (const encoding& each : all_encodings) {
            const auto options = decoding_options().max_bytes(most);
            const std::string body = each.encode(text);
            for (const std::size_t step : {std::size_t{99}, body.size()}) {
                const auto got = decode({each.which}, in_parts_of(step, body), options);
                BOOST_TEST((got.text == text.substr(0, most)));
                BOOST_TEST(got.error == "too_large: the decoded body is larger than the limit of " +
                                            std::to_string(most) + " bytes");
            }
        }
    }
    const auto enough = decoding_options().max_bytes(text.size());
    BOOST_TEST(decode(gzip, to_gzip(text), enough).error == "");
}

BOOST_AUTO_TEST_CASE(a_bomb_is_stopped_inside_a_step)
{
    const std::string zeros(64 * mebibyte, '\0');
    for (const encoding& each : {all_encodings[0], all_encodings[3], all_encodings[4]}) {
        const std::string body = each.encode(zeros); // deflate: 1,029 times smaller
        const auto got = decode(each.which, body);
        const std::size_t most = std::max(mebibyte, 1000 * body.size());
        BOOST_TEST_CONTEXT(name(each.which) << ", " << body.size() << " bytes")
        {
            BOOST_TEST(got.error.find(" bytes of body on the wire decode to more than 1000 times "
                                      "as many") != std::string::npos);
            BOOST_TEST(got.text.size() >= mebibyte);
            BOOST_TEST(got.text.size() <= most);
            BOOST_TEST(decode(each.which, body, decoding_options().max_ratio(1'000'000)).error ==
                       "");
        }
    }
    // A small one may have any ratio.
    BOOST_TEST(decode(br, to_br(std::string(mebibyte, '\0'))).error == "");
    BOOST_TEST(decode(br, to_br(std::string(mebibyte + 1, '\0'))).error.starts_with("too_large"));
}

BOOST_AUTO_TEST_CASE(a_bomb_inside_a_bomb_is_stopped_at_the_first)
{
    // What comes out of the first is skipped by the second: no byte of body is ever made.
    std::string name_without_end("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03", 10);
    name_without_end.append(64 * mebibyte, 'n');
    const auto got = decode(codings{gzip, br}, {to_br(name_without_end)});
    BOOST_TEST(got.text == "");
    BOOST_TEST(got.error.starts_with("too_large"));
}

BOOST_AUTO_TEST_CASE(all_memory_is_counted_and_stays_within_the_limit)
{
    const std::string text = some_text(9, 10 * mebibyte);
    const auto gzipped = decode(gzip, to_gzip(text));
    BOOST_TEST(gzipped.error == "");
    BOOST_TEST(gzipped.peak > buffer + 32 * 1024); // zlib's window
    BOOST_TEST(gzipped.peak <= 80 * 1024);
    const auto largest = decode(zstd, to_zstd(text, 23));
    BOOST_TEST(largest.error == "");
    BOOST_TEST(largest.peak == 8 * mebibyte + 512 * 1024 + buffer);
    const std::string wide = to_br(some_text(9, 20 * mebibyte), 24);
    const auto whole = decode(br, wide);
    BOOST_TEST(whole.error == "");
    BOOST_TEST(whole.peak > 16 * mebibyte);
    BOOST_TEST(whole.peak <= 32 * mebibyte);
    const auto small = decode(br, wide, decoding_options().max_memory(10 * mebibyte));
    BOOST_TEST(small.error == "too_large: decoding br takes more than the limit of 10485760 bytes "
                              "of memory");
    BOOST_TEST(small.peak <= 10 * mebibyte);
    const auto least = decoding_options().max_memory(128 * 1024);
    BOOST_TEST(decode(gzip, to_gzip(text), least).error == "");
    BOOST_TEST(decode(codings{gzip, gzip}, {to_gzip(to_gzip(text))}, least)
                   .error.starts_with("too_large: decoding gzip takes more "));
    BOOST_TEST(decode(zstd, to_zstd("x"), least)
                   .error.starts_with("too_large: decoding zstd takes more "));
}

BOOST_AUTO_TEST_CASE(a_zstd_window_over_8_mib_is_too_large)
{
    const std::string text = some_text(10, 10 * mebibyte);
    const auto got = decode(zstd, to_zstd(text, 24));
    BOOST_TEST(got.error == "too_large: the window of the zstd body is larger than 8 MiB");
    BOOST_TEST(got.text == "");
}

BOOST_AUTO_TEST_CASE(what_zstd_may_take_bounds_what_it_takes)
{
    memory_account account(64 * mebibyte);
    const auto step = weir::http::detail::make_zstd_step(account);
    const std::string body = to_zstd(some_text(11, 10 * mebibyte), 23);
    std::string out(mebibyte, '\0');
    std::string_view left = body;
    BOOST_TEST(!step->decode(left, out.data(), out.size()).error.has_value());
    BOOST_TEST(account.used() > 8 * mebibyte); // by its own word now
    BOOST_TEST(account.used() < account.peak());
}

BOOST_AUTO_TEST_CASE(a_step_gives_all_its_memory_back)
{
    for (const encoding& each : all_encodings) {
        memory_account account(64 * mebibyte);
        const std::string body = each.encode(some_text(12, buffer));
        for (const std::size_t size : {body.size(), body.size() / 2}) {
            auto step = weir::http::detail::make_coding_step(each.which, account);
            BOOST_TEST(account.used() == 0U);
            std::string out(100, '\0');
            std::string_view left = std::string_view(body).substr(0, size);
            BOOST_TEST(!step->decode(left, out.data(), out.size()).error.has_value());
            BOOST_TEST(account.used() != 0U);
            step.reset();
            BOOST_TEST(account.used() == 0U);
        }
    }
}

BOOST_AUTO_TEST_CASE(decoders_that_share_an_account_take_no_more_than_it_has)
{
    memory_account all(64 * 1024);
    const std::string body = to_gzip("text");
    const auto read = [&body](content_decoder& by) {
        std::string_view part = body;
        return by.read(part);
    };
    {
        content_decoder one(codings{gzip}, decoding_options(), &all);
        content_decoder two(codings{gzip}, decoding_options(), &all);
        BOOST_TEST(bool(read(one)));
        BOOST_TEST(one.data() == "text");
        BOOST_TEST(all.used() > buffer);
        const auto refused = read(two);
        BOOST_REQUIRE(!refused);
        BOOST_TEST((refused.error().kind() == error_class::too_large));
        BOOST_TEST(refused.error().text() == "decoding gzip takes more than is left of the 65536 "
                                             "bytes of memory for all responses");
        BOOST_TEST(all.used() == one.memory().used() + two.memory().used());
    }
    BOOST_TEST(all.used() == 0U);
    content_decoder three(codings{gzip}, decoding_options(), &all);
    BOOST_TEST(bool(read(three)));
}

BOOST_AUTO_TEST_CASE(an_account_refuses_what_is_beyond_its_limit)
{
    memory_account account(1000);
    BOOST_TEST(account.take(1000));
    BOOST_TEST(!account.refused());
    BOOST_TEST(!account.take(1));
    BOOST_TEST(account.refused());
    account.give_back(500);
    BOOST_TEST(memory_account::allocate(&account, 500) == nullptr); // its own size stands before it
    void* const block = memory_account::allocate(&account, 400);
    BOOST_TEST(block != nullptr);
    BOOST_TEST(memory_account::allocate(&account, std::size_t(-1)) == nullptr);
    memory_account::release(&account, block);
    memory_account::release(&account, nullptr);
    BOOST_TEST(account.used() == 500U);
    BOOST_TEST(account.peak() == 1000U);
}

BOOST_AUTO_TEST_SUITE_END()
