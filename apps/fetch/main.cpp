#include "options.hpp"
#include "program.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv)
{
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
