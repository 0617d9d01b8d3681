#include <options.hpp>
#include <settings.hpp>

#include <weir/http/fetcher_options.hpp>
#include <weir/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(options)

using namespace std::chrono_literals;
using weir_fetch::parsed;
using texts = std::vector<std::string>;
using fields = std::vector<std::pair<std::string, std::string>>;

/// What becomes of these words and a URL.
parsed parse(texts words)
{
    words.insert(words.begin(), "weir-fetch");
    words.emplace_back("http://a.example/");
    std::vector<const char*> argv;
    for (const std::string& word : words)
        argv.push_back(word.c_str());
    return weir_fetch::parse(static_cast<int>(argv.size()), argv.data());
}

/// The options, which must be accepted.
weir_fetch::options accepted(const texts& words)
{
    const parsed got = parse(words);
    BOOST_REQUIRE_MESSAGE(got.run, got.text);
    return *got.run;
}

std::string refusal(const texts& words)
{
    const parsed got = parse(words);
    BOOST_TEST(!got.run);
    BOOST_TEST(static_cast<int>(got.code) == static_cast<int>(weir_fetch::exit_usage));
    return got.text;
}

struct row {
    texts words;
    const char* said; // what the refusal says; null where they are accepted
};

std::string joined(const texts& words)
{
    std::string out;
    for (const auto& word : words)
        out += word + ' ';
    return out;
}

void check(const std::vector<row>& rows)
{
    for (const row& each : rows) {
        const parsed got = parse(each.words);
        BOOST_TEST_CONTEXT(joined(each.words) << "says: " << got.text)
        {
            BOOST_TEST(got.run.has_value() == (each.said == nullptr));
            if (each.said != nullptr)
                BOOST_TEST(got.text.find(each.said) != std::string::npos);
            if (got.run) // no value of a flag was taken for a URL, nor the other way round
                BOOST_TEST(got.run->urls.back() == "http://a.example/");
        }
    }
}

BOOST_AUTO_TEST_CASE(what_people_type_for_curl_is_accepted_where_it_means_the_same)
{
    check({
        {{"-fsSL"}, nullptr},
        {{"-sSLf"}, nullptr},
        {{"-fsSLO"}, nullptr},
        {{"-s"}, nullptr},
        {{"-f"}, nullptr},
        {{"--fail", "--location", "--show-error"}, nullptr},
        {{"-LO"}, nullptr},
        {{"-Z"}, nullptr},
        {{"--parallel", "--parallel-max", "20"}, nullptr},
        {{"--parallel-max-host", "4"}, nullptr},
        {{"-ZL", "--parallel-max", "5"}, nullptr},
        {{"-g"}, nullptr},
        {{"-#", "-N"}, nullptr},
        {{"--progress-bar", "--no-buffer"}, nullptr},
        {{"-X", "DELETE"}, nullptr},
        {{"-XPUT", "-dx"}, nullptr},
        {{"--request", "PATCH"}, nullptr},
        {{"-d", "a=b"}, nullptr},
        {{"--data-raw", "@a"}, nullptr},
        {{"--data-binary", "a\nb"}, nullptr},
        {{"--data-urlencode", "a=b c"}, nullptr},
        {{"--data-ascii", "a"}, nullptr},
        {{"-A", "me/1"}, nullptr},
        {{"-A", ""}, nullptr},
        {{"-e", "http://from.example/"}, nullptr},
        {{"-u", "me:secret"}, nullptr},
        {{"--basic", "-u", "me:"}, nullptr},
        {{"--oauth2-bearer", "token"}, nullptr},
        {{"-I"}, nullptr},
        {{"-r", "0-99"}, nullptr},
        {{"--range", "-5"}, nullptr},
        {{"-z", "2026-11-22"}, nullptr},
        {{"-z", "Sun, 06 Nov 1994 08:49:37 GMT"}, nullptr},
        {{"-b", "a=b; c=d"}, nullptr},
        {{"--compressed"}, nullptr},
        {{"--max-redirs", "-1"}, nullptr},
        {{"--max-redirs", "0"}, nullptr},
        {{"--no-location"}, nullptr},
        {{"--proto-default", "http"}, nullptr},
        {{"--proto-default", "HTTPS"}, nullptr},
        {{"--proto", "=https", "--proto-redir", "-all,https"}, nullptr},
        {{"-v"}, nullptr},
        {{"-D", "headers"}, nullptr},
        {{"-svD-"}, nullptr},
        {{"--limit-rate", "200k"}, nullptr},
        {{"--limit-rate", "10B"}, nullptr},
        {{"--limit-rate", "0"}, nullptr},
        {{"--max-filesize", "10M"}, nullptr},
        {{"--max-filesize", "10m"}, nullptr},
        {{"--max-decoded", "1G"}, nullptr},
        {{"-4"}, nullptr},
        {{"-6"}, nullptr},
        {{"--resolve", "a.example:80:192.0.2.1,[2001:db8::1]"}, nullptr},
        {{"--connect-to", "a.example:80:b.example:8080"}, nullptr},
        {{"--connect-to", "::127.0.0.1:8080"}, nullptr},
        {{"--dns-servers", "192.0.2.1,192.0.2.2:5353"}, nullptr},
        {{"-x", "http://proxy.example:3128"}, nullptr},
        {{"-x", ""}, nullptr},
        {{"--noproxy", "*"}, nullptr},
        {{"-x", "", "--block-private"}, nullptr},
        {{"--path-as-is"}, nullptr},
        {{"--cacert", "ca.pem"}, nullptr},
        {{"--tls-min", "1.3"}, nullptr},
        {{"--tlsv1.2"}, nullptr},
        {{"--tlsv1.3"}, nullptr},
        {{"-k"}, nullptr},
        {{"-O"}, nullptr},
        {{"-fsSLo", "file"}, nullptr},
        {{"-sSLOJR"}, nullptr},
        {{"--fail-with-body", "-o", "file"}, nullptr},
        {{"--skip-existing", "-o", "file"}, nullptr},
        {{"-G", "-d", "a=b"}, nullptr},
        {{"-GI", "-d", "a=b"}, nullptr},
        {{"-so", "/dev/null", "-w", "%{http_code}"}, nullptr},
        {{"--output", "a/file", "--create-dirs"}, nullptr},
        {{"--remote-name-all"}, nullptr},
        {{"-O", "--output-dir", "pages", "--create-dirs", "--no-clobber"}, nullptr},
        {{"--remove-on-error"}, nullptr},
        {{"-H", "X-A: 1", "-H", "X-B: 2"}, nullptr},
        {{"-HX-A: 1"}, nullptr},
        {{"-H", "Accept:"}, nullptr},
        {{"-H", "X-Empty;"}, nullptr},
        {{"-H", "Host: b.example"}, nullptr},
        {{"-H", "Expect:"}, nullptr},
        {{"-m", "0"}, nullptr},
        {{"-m", "2.5"}, nullptr},
        {{"--connect-timeout", "5"}, nullptr},
        {{"-Y", "1000", "-y", "10"}, nullptr},
        {{"--url", "http://b.example/"}, nullptr},
        {{"--http1.1"}, nullptr},
    });
}

BOOST_AUTO_TEST_CASE(what_weir_fetch_has_not_is_refused_with_what_to_use_instead)
{
    check({
        {{"-o", "file", "http://b.example/"}, "--output-dir DIR stores each"},
        {{"-o", "file", "--input-file", "list"}, "--output-dir DIR stores each"},
        {{"-o", "file", "--output-dir", "pages"}, "-o DIR/FILE"},
        {{"-o", "file", "-O"}, "exclude each other"},
        {{"-o", ""}, "needs the name of a file"},
        {{"-J"}, "add -O or --output-dir"},
        {{"-J", "-o", "file"}, "add -O or --output-dir"},
        {{"-OJ", "--skip-existing"}, "is not known before the request"},
        {{"--skip-existing"}, "add -O, --output-dir DIR or -o FILE"},
        {{"--skip-existing", "-o", "-"}, "add -O, --output-dir DIR or -o FILE"},
        {{"-i"}, "headers are not shown among bodies; -D FILE"},
        {{"--trace", "-"}, "there is no trace of all bytes; -v"},
        {{"--trace-ascii", "file"}, "there is no trace of all bytes; -v"},
        {{"-w", "%{http_code}", "--jsonl"}, "exclude each other"},
        {{"-w", "@/no/such/file"}, "cannot read /no/such/file"},
        {{"-K", "file"}, "--input-file"},
        {{"-F", "a=@b"}, "--data-urlencode NAME=VALUE"},
        {{"-T", "file"}, "-X PUT --data-binary @FILE"},
        {{"--url-query", "a=b"}, "write the query into the URL"},
        {{"-c", "jar"}, "send yours with -b"},
        {{"-b", "jar"}, "write 'NAME=VALUE', not 'jar'"},
        {{"-n"}, "netrc files are not read; give the user with -u"},
        {{"--http2"}, "weir-fetch speaks HTTP/1.1"},
        {{"--http3"}, "weir-fetch speaks HTTP/1.1"},
        {{"-0"}, "weir-fetch speaks HTTP/1.1"},
        {{"--socks5", "localhost"}, "use an HTTP proxy: -x"},
        {{"-U", "me:secret"}, "-x http://USER:PASSWORD@HOST:PORT"},
        {{"-x", "socks5://localhost"}, "SOCKS is not supported"},
        {{"--digest", "-u", "me:secret"}, "there is Basic"},
        {{"-u", "me"}, "the password is not asked for"},
        {{"-u", "a:b", "--oauth2-bearer", "c"}, "exclude each other"},
        {{"-e", "http://x/;auto"}, "';auto' is not supported yet; give a URL"},
        {{"-E", "me.pem"}, "client certificates are not supported yet"},
        {{"-1"}, "use --tls-min 1.2"},
        {{"--tlsv1.0"}, "use --tls-min 1.2"},
        {{"--tls-min", "1.1"}, "must be 1.2 or 1.3, not '1.1'"},
        {{"--tls-max", "1.2"}, "cannot be chosen"},
        {{"--retry-delay", "1"}, "waits are random"},
        {{"--retry-connrefused"}, "not needed: --retry does so"},
        {{"--proto-default", "ftp"}, "--proto-default: write http or https, not 'ftp'"},
        {{"--location-trusted"}, "secrets go to the host of the URL only"},
        {{"--next"}, "all flags are for all URLs"},
        {{"-:"}, "all flags are for all URLs"},
        {{"--unix-socket", "/run/x"}, "--connect-to"},
        {{"--doh-url", "https://x/"}, "--dns-servers"},
        {{"-P", "-"}, "use curl"},
        {{"-r", "5"}, "write 0-499, 500- or -500, not '5'"},
        {{"-z", "no such thing"}, "neither a date"},
        {{"--resolve", "+a:80:192.0.2.1"}, "are not supported"},
        {{"--resolve", "-a:80"}, "are not supported"},
        {{"--resolve", "a"}, "--resolve takes HOST:PORT:ADDRESS, not 'a'"},
        {{"--dns-servers", "name.example"}, "write addresses, with commas"},
        {{"-x", "proxy.example:80", "--block-private"}, "add -x ''"},
        {{"-4", "-6"}, "exclude each other"},
        {{"-I", "-d", "a"}, "exclude each other"},
        {{"-I", "-X", "GET"}, "exclude each other"},
        {{"-X", "CONNECT"}, "CONNECT is not supported"},
        {{"-X", "A B"}, "not a request method"},
        {{"-d", "@/no/such/file"}, "cannot read /no/such/file"},
        {{"-H", "@/no/such/file"}, "cannot read /no/such/file"},
        {{"-H", "no colon"}, "not of the form 'Name: value'"},
        {{"-H", "X: a\nY: b"}, "not of the form 'Name: value'"},
        {{"-H", "Host:"}, "every request needs Host"},
        {{"-H", "Upgrade: x"}, "this header is set by the client: Upgrade"},
        {{"-m", "-1"}, "must be seconds"},
        {{"-m", "soon"}, "must be seconds"},
        {{"-j", "0"}, "must be a whole number from 1"},
        {{"--max-redirs", "-2"}, "must be a whole number from 0"},
        {{"--max-filesize", "10X"}, "must be a number of bytes"},
        {{"--no-such-flag"}, "there is no option --no-such-flag"},
        {{"--tries", "3"}, "there is no option --tries; did you mean --retry?"},
        {{"--inputfile=urls"}, "; did you mean --input-file?"},
    });
}

BOOST_AUTO_TEST_CASE(every_refusal_is_one_line_and_a_pointer_to_help)
{
    for (const texts& words : {texts{"-i"}, texts{"-m", "soon"}, texts{"--no-such-flag"}}) {
        const std::string text = refusal(words);
        BOOST_TEST(text.starts_with("weir-fetch: "));
        BOOST_TEST(text.substr(text.find('\n')) == "\nTry 'weir-fetch --help'.\n");
    }
}

BOOST_AUTO_TEST_CASE(a_list_has_a_name)
{
    check({{{"--input-file", ""}, "--input-file: needs the name of a file"},
           {{"--input-file", "-"}, nullptr}});
}

BOOST_AUTO_TEST_CASE(no_file_is_the_part_of_another)
{
    check({
        {{"--input-file", "./a.part", "--remaining", "a"}, "written as a.part first"},
        {{"-D", "a.part", "-o", "a"}, "--output a is written as a.part first"},
        {{"--remaining", "a.part", "-o", "a"}, "that is the file of --remaining"},
        {{"-o", "a.part", "--remaining", "a"}, "that is the file of --output"},
        {{"--results", "a.part", "-o", "a"}, "give one of them another name"},
        {{"-D", "a.part", "-C", "-", "-o", "a"}, nullptr},
        {{"--results", "a", "--remaining", "a.part"}, nullptr},
        {{"--results", "a", "--remaining", "./a"}, "name the same file, a,"},
    });
}

BOOST_AUTO_TEST_CASE(the_last_of_two_counts_as_with_curl)
{
    BOOST_TEST(accepted({"-m", "1", "-m", "2"}).max_time.value() == 2);
    BOOST_TEST(accepted({"-A", "a", "-A", "b"}).user_agent == "b");
    BOOST_TEST(accepted({"-j", "1", "--parallel-max", "2"}).jobs == 2u);
}

BOOST_AUTO_TEST_CASE(limits_of_time_are_on_unless_they_are_0)
{
    const auto limits = [](const texts& words) {
        return weir_fetch::fetcher_options_for(accepted(words)).client();
    };
    const auto usual = limits({});
    BOOST_TEST((usual.connect_timeout() == 10s));
    BOOST_TEST((usual.requests().first_byte_timeout() == std::optional<weir::duration>(30s)));
    BOOST_TEST(usual.requests().least_speed().value() == 1u);
    BOOST_TEST((usual.requests().least_speed_over() == 30s));
    BOOST_TEST((limits({"--connect-timeout", "0"}).connect_timeout() == 10s));
    BOOST_TEST((limits({"--connect-timeout", "2.5"}).connect_timeout() == 2500ms));
    BOOST_TEST(!limits({"--first-byte-timeout", "0"}).requests().first_byte_timeout());
    BOOST_TEST(limits({"-Y", "0"}).requests().least_speed().value_or(0) == 0u);
    BOOST_TEST(limits({"-y", "0"}).requests().least_speed().value_or(0) == 0u);
    BOOST_TEST(limits({"-Y", "2k"}).requests().least_speed().value() == 2048u);
    BOOST_TEST((limits({"-y", "7"}).requests().least_speed_over() == 7s));
    BOOST_TEST(!accepted({"-m", "0"}).max_time);
}

BOOST_AUTO_TEST_CASE(redirects_without_a_limit)
{
    BOOST_TEST(accepted({}).max_redirects == 10u);
    const auto most = std::numeric_limits<unsigned>::max();
    BOOST_TEST(accepted({"--max-redirs", "-1"}).max_redirects == most);
    BOOST_TEST(accepted({"--no-location"}).max_redirects == 0u);
}

BOOST_AUTO_TEST_CASE(data_is_joined_in_its_order_and_posted)
{
    const auto data = accepted({"-d", "a=1", "--data-raw", "@b", "--data-urlencode", "c=d e&f",
                                "--data-binary", "g\n", "-d", ""});
    BOOST_TEST(data.data.value() == "a=1&@b&c=d+e%26f&g\n&");
    const auto made = weir_fetch::fetcher_options_for(data);
    BOOST_TEST(made.method() == "POST");
    BOOST_TEST(*made.body().in_memory() == *data.data);
    const fields expected = {{"Content-Type", "application/x-www-form-urlencoded"}};
    BOOST_TEST((made.headers() == expected));
    BOOST_TEST(accepted({"-X", "PUT", "-d", "a"}).method == "PUT");
    BOOST_TEST(weir_fetch::fetcher_options_for(accepted({})).body().is_none());
}

BOOST_AUTO_TEST_CASE(data_for_the_query_is_not_sent)
{
    const auto got = accepted({"-G", "-d", "a=b", "--data-urlencode", "c= "});
    BOOST_TEST(got.query == "a=b&c=+");
    BOOST_TEST(!got.data);
    BOOST_TEST(got.method == "GET");
    BOOST_TEST(accepted({"-GI", "-d", "a"}).method == "HEAD");
    BOOST_TEST(accepted({"-G"}).query.empty());
}

BOOST_AUTO_TEST_CASE(the_type_of_data_can_be_chosen_or_left_out)
{
    const auto headers = [](const char* field) {
        return weir_fetch::fetcher_options_for(accepted({"-d", "{}", "-H", field})).headers();
    };
    const fields expected = {{"content-type", "application/json"}};
    BOOST_TEST((headers("content-type: application/json") == expected));
    BOOST_TEST(headers("Content-Type:").empty());
}

// In the working directory, for as long as it lives.
class scratch_file {
public:
    scratch_file(std::string name, const std::string& text) : name_(std::move(name))
    {
        std::ofstream(name_) << text;
    }
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;
    ~scratch_file() { std::remove(name_.c_str()); }

private:
    std::string name_;
};

BOOST_AUTO_TEST_CASE(data_of_a_file_loses_its_line_breaks_unless_it_is_binary)
{
    const std::string file = "options_test_data";
    const scratch_file made(file, "a\r\nb c\n");
    BOOST_TEST(accepted({"-d", "@" + file}).data.value() == "ab c");
    BOOST_TEST(accepted({"--data-binary", "@" + file}).data.value() == "a\r\nb c\n");
    BOOST_TEST(accepted({"--data-urlencode", "x@" + file}).data.value() == "x=a%0D%0Ab+c%0A");
    BOOST_TEST(accepted({"--data-urlencode", "@" + file}).data.value() == "a%0D%0Ab+c%0A");
}

BOOST_AUTO_TEST_CASE(headers_are_read_as_curl_reads_them)
{
    const std::string file = "options_test_headers";
    const scratch_file made(file, "X-C: 3\r\n\nX-D:4\n");
    const auto got =
        accepted({"-H", "X-A: 1 ", "-H", "X-B;", "-H", "@" + file, "-H", "Accept:", "-A", ""});
    const fields expected = {{"X-A", "1"}, {"X-B", ""}, {"X-C", "3"}, {"X-D", "4"}};
    BOOST_TEST((got.headers == expected));
    const texts without = {"Accept", "User-Agent"};
    BOOST_TEST(got.without == without, boost::test_tools::per_element());
    BOOST_TEST(weir_fetch::fetcher_options_for(got).without().size() == 2u);
    BOOST_TEST(!accepted({"-H", "Expect:"}).expect);
}

BOOST_AUTO_TEST_CASE(flags_with_a_header_of_their_own)
{
    const auto got = accepted({"-u", "me:secret", "-e", "http://r/", "-r", "0-9", "-b", "a=b", "-b",
                               "c=d", "-z", "2026-11-22 10:30:00"});
    const fields expected = {{"Referer", "http://r/"},
                             {"Cookie", "a=b; c=d"},
                             {"Authorization", "Basic bWU6c2VjcmV0"},
                             {"Range", "bytes=0-9"},
                             {"If-Modified-Since", "Sun, 22 Nov 2026 10:30:00 GMT"}};
    BOOST_TEST((got.headers == expected));
    const fields older = {{"If-Unmodified-Since", "Sun, 22 Nov 2026 00:00:00 GMT"}};
    for (const char* date : {"-2026-11-22", "-20261122", "-22 Nov 2026",
                             "-Sun, 22 Nov 2026 00:00:00 GMT", "-2026-11-22T00:00:00Z"})
        BOOST_TEST((accepted({"-z", date}).headers == older));
    const fields bearer = {{"Authorization", "Bearer token"}};
    BOOST_TEST((accepted({"--oauth2-bearer", "token"}).headers == bearer));
}

BOOST_AUTO_TEST_CASE(what_a_header_flag_says_goes_before)
{
    const fields expected = {{"authorization", "mine"}};
    BOOST_TEST((accepted({"-u", "a:b", "-H", "authorization: mine"}).headers == expected));
    BOOST_TEST(accepted({"-u", "a:b", "-H", "Authorization:"}).headers.empty());
}

BOOST_AUTO_TEST_CASE(remote_names_are_stored_here_or_in_the_output_folder)
{
    BOOST_TEST(accepted({}).output_dir.empty());
    BOOST_TEST(accepted({"-O"}).output_dir == ".");
    BOOST_TEST(accepted({"--remote-name-all"}).output_dir == ".");
    BOOST_TEST(accepted({"-O", "--output-dir", "pages"}).output_dir == "pages");
}

BOOST_AUTO_TEST_CASE(ways_to_a_host_reach_the_client)
{
    const auto made = [](const texts& words) {
        return weir_fetch::fetcher_options_for(accepted(words));
    };
    BOOST_TEST(!made({}).client().network().allow());
    const auto allows = made({"-x", "", "--block-private"}).client().network().allow();
    BOOST_TEST(!allows(boost::asio::ip::make_address("127.0.0.1")));
    BOOST_TEST(allows(boost::asio::ip::make_address("8.8.8.8")));
    BOOST_TEST((made({}).client().network().tls_from() == weir::http::tls_version::v1_2));
    for (const texts& words : {texts{"--tls-min", "1.3"}, texts{"--tlsv1.3"}})
        BOOST_TEST((made(words).client().network().tls_from() == weir::http::tls_version::v1_3));
    const texts servers = {"192.0.2.1", "192.0.2.2:5353"};
    BOOST_TEST(made({"--dns-servers", "192.0.2.1,192.0.2.2:5353"}).client().name_servers() ==
                   servers,
               boost::test_tools::per_element());
    BOOST_TEST((made({"--path-as-is"}).dots() == weir::http::dot_segments::keep));
    BOOST_TEST((made({}).dots() == weir::http::dot_segments::remove));
}

BOOST_AUTO_TEST_CASE(largest_bodies)
{
    const auto decoded = [](const texts& words) {
        return weir_fetch::fetcher_options_for(accepted(words)).client().decoding().max_bytes();
    };
    BOOST_TEST(decoded({"--max-filesize", "2k"}) == 2048u);
    BOOST_TEST(decoded({"--max-filesize", "2k", "--max-decoded", "3M"}) == 3u * 1024 * 1024);
    BOOST_TEST(decoded({"--max-decoded", "1K"}) == 1024u);
}

BOOST_AUTO_TEST_CASE(the_version_can_be_asked_for_with_anything_else)
{
    for (const texts& words : {texts{"-V"}, texts{"-s", "--version"}})
        BOOST_TEST(parse(words).text.starts_with("weir-fetch 0."));
}

BOOST_AUTO_TEST_CASE(help_shows_each_topic_and_no_refused_flag)
{
    const std::string text = parse({"--help"}).text;
    for (const char* shown : {"\nInput:", "\nHow long:", "\nOutput:", "\nHelp:", "--max-time"})
        BOOST_TEST(text.find(shown) != std::string::npos);
    for (const char* hidden : {"--netrc", "--socks5", "--trace"})
        BOOST_TEST(text.find(hidden) == std::string::npos);
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
        BOOST_TEST((text[begin] != ' ' || end - begin <= 80), text.substr(begin, end - begin));
}

BOOST_AUTO_TEST_SUITE_END()
