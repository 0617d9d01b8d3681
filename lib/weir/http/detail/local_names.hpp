#pragma once

#include <weir/http/name_source.hpp>

#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir::http::detail {

/// The lines of a hosts file, by lower-case name. What is no address or no name is passed over.
std::map<std::string, addresses> parse_hosts(std::string_view text);

/// The names that no name server is asked about: addresses, `localhost` and what ends with it, and
/// those in the hosts file. A name with a line there has the addresses of its lines only, so that a
/// line with an IPv4 address overrides what a name server says about IPv6, too.
///
/// Source: RFC 6761, section 6.3, for localhost.
class local_names {
public:
    explicit local_names(std::string hosts_file = "/etc/hosts") : path_(std::move(hosts_file)) {}

    /// Empty: ask a name server. The file is read again when it has changed.
    std::optional<name_answer> find(std::string_view name, address_family which);

private:
    void read_if_changed();

    std::string path_;
    std::map<std::string, addresses> hosts_;
    std::timespec changed_{};
    long long size_ = -1;
};

} // namespace weir::http::detail
