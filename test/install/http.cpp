#include <weir/http/url.hpp>

#include <cstdio>

int main()
{
    const auto url = weir::http::url::parse("HTTP://example.com:80");
    if (!url)
        return 1;
    std::puts(url->host().c_str());
    return 0;
}
