// The server of the HTTP benchmarks: epoll and nothing else, one thread, so that it costs little
// beside the client that is measured. Answers every request with the same 1 KiB, and keeps the
// connection. Prints its port, and ends when its standard input does.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

int checked(int result, const char* what)
{
    if (result >= 0)
        return result;
    std::perror(what);
    std::exit(1);
}

std::string answer()
{
    return "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
           "Content-Type: application/octet-stream\r\nContent-Length: 1024\r\n"
           "Last-Modified: Sat, 21 Nov 2026 12:00:00 GMT\r\nConnection: keep-alive\r\n"
           "ETag: \"67406a40-400\"\r\nAccept-Ranges: bytes\r\n\r\n" +
           std::string(1024, 'x');
}

class origin {
public:
    origin() : listener_(checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket"))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const at = reinterpret_cast<sockaddr*>(&address);
        checked(bind(listener_, at, size), "bind");
        checked(listen(listener_, 4096), "listen");
        checked(getsockname(listener_, at, &size), "getsockname");
        std::printf("%d\n", ntohs(address.sin_port));
        std::fflush(stdout);
        watch(listener_);
        watch(STDIN_FILENO);
    }

    void run()
    {
        epoll_event events[256];
        for (;;) {
            const int found = epoll_wait(queue_, events, 256, -1);
            for (int i = 0; i < found; ++i) {
                const int which = events[i].data.fd;
                if (which == STDIN_FILENO)
                    return;
                if (which == listener_)
                    accept_all();
                else if (!serve(which))
                    end(which);
            }
        }
    }

private:
    void watch(int which) const
    {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = which;
        checked(epoll_ctl(queue_, EPOLL_CTL_ADD, which, &event), "epoll_ctl");
    }

    void accept_all() const
    {
        for (int one; (one = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
            const int on = 1;
            setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            watch(one);
        }
    }

    /// Requests without a body, of which a part may have come before.
    bool serve(int which)
    {
        char buffer[16 * 1024];
        const ssize_t size = recv(which, buffer, sizeof buffer, 0);
        if (size <= 0)
            return false;
        std::string_view text(buffer, static_cast<std::size_t>(size));
        std::string& before = unfinished_[which];
        std::string whole;
        if (!before.empty()) {
            whole = before.append(text);
            text = whole;
        }
        std::size_t end = 0;
        while ((end = text.find("\r\n\r\n")) != std::string_view::npos) {
            text.remove_prefix(end + 4);
            if (send(which, answer_.data(), answer_.size(), MSG_NOSIGNAL) !=
                static_cast<ssize_t>(answer_.size()))
                return false;
        }
        before = text;
        return true;
    }

    void end(int which)
    {
        unfinished_.erase(which);
        close(which);
    }

    const std::string answer_ = answer();
    int listener_;
    int queue_ = checked(epoll_create1(0), "epoll_create1");
    std::unordered_map<int, std::string> unfinished_;
};

} // namespace

int main()
{
    origin().run();
}
