#include "options.hpp"
#include "program.hpp"

#include <fcntl.h>
#include <signal.h> // sigaction
#include <unistd.h>

#include <cstdio>
#include <exception>

namespace {

/// A file that is opened must not take the place of a standard stream that is closed. What is put
/// there cannot be used either: it is opened the wrong way round.
void fill_standard_streams()
{
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(stream, F_GETFD) < 0)
            (void)::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/// SIGINT that is ignored stays so, as SIGHUP does: a shell runs jobs in the background like that.
/// The handler comes later, and what is blocked never reaches it.
void respect_ignored_interrupts()
{
    struct sigaction before;
    if (::sigaction(SIGINT, nullptr, &before) != 0 || before.sa_handler != SIG_IGN)
        return;
    sigset_t interrupts;
    ::sigemptyset(&interrupts);
    ::sigaddset(&interrupts, SIGINT);
    ::sigprocmask(SIG_BLOCK, &interrupts, nullptr);
}

} // namespace

int main(int argc, char** argv)
{
    fill_standard_streams();
    respect_ignored_interrupts();
    try {
        const weir_fetch::parsed asked = weir_fetch::parse(argc, argv);
        if (!asked.run) {
            std::fputs(asked.text.c_str(), asked.code == weir_fetch::exit_ok ? stdout : stderr);
            return asked.code;
        }
        return weir_fetch::run(*asked.run);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "weir-fetch: %s\n", e.what());
        return weir_fetch::exit_usage;
    }
}
