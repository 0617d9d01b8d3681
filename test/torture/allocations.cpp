#include "torture/allocations.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string_view>

// The linker turns every call of aligned_alloc and free in this program into a call of the function
// with the prefix __wrap_ (see CMakeLists.txt).

extern "C" {
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void __real_free(void* memory);
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size);
void __wrap_free(void* memory);
}

namespace {

using weir::test::failing;

/// Whose a function is. An allocator, or a container, works for the function that calls it.
enum class owner : unsigned char { unknown, caller, library, other };

struct function {
    std::uintptr_t begin;
    std::uintptr_t end;
    const char* name;
    owner its;

    bool operator<(const function& with) const { return begin < with.begin; }
};

/// The functions of this program, from its own symbol table: `dladdr` knows only those that are
/// exported. Nothing here may allocate with `operator new`.
class symbols {
public:
    symbols()
    {
        const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        struct stat info {};
        if (file < 0 || ::fstat(file, &info) != 0)
            std::abort();
        const auto* const image = static_cast<const char*>(::mmap(
            nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0));
        if (image == MAP_FAILED)
            std::abort();
        ::close(file);
        read(image);
    }

    const function* find(std::uintptr_t at) const
    {
        const function wanted{at, 0, nullptr, owner::unknown};
        const function* found = std::upper_bound(all_, all_ + count_, wanted);
        if (found == all_ || at >= (--found)->end)
            return nullptr;
        return found;
    }

    bool empty() const { return count_ == 0; }

private:
    void read(const char* image)
    {
        const auto& header = *reinterpret_cast<const ElfW(Ehdr)*>(image);
        const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(image + header.e_shoff);
        std::uintptr_t base = 0;
        const auto main_program = [](dl_phdr_info* first, std::size_t, void* to) {
            *static_cast<std::uintptr_t*>(to) = first->dlpi_addr;
            return 1;
        };
        ::dl_iterate_phdr(main_program, &base);
        for (unsigned i = 0; i < header.e_shnum; ++i)
            if (sections[i].sh_type == SHT_SYMTAB)
                read(image, sections[i], sections[sections[i].sh_link], base);
    }

    void read(const char* image, const ElfW(Shdr) & table, const ElfW(Shdr) & strings,
              std::uintptr_t base)
    {
        const auto* symbol = reinterpret_cast<const ElfW(Sym)*>(image + table.sh_offset);
        const std::size_t many = table.sh_size / sizeof(ElfW(Sym));
        all_ = static_cast<function*>(std::malloc(many * sizeof(function)));
        for (const auto* end = symbol + many; symbol != end; ++symbol)
            if ((symbol->st_info & 0xf) == STT_FUNC && symbol->st_size != 0) {
                const char* name = image + strings.sh_offset + symbol->st_name;
                const std::uintptr_t at = base + symbol->st_value;
                all_[count_++] = {at, at + symbol->st_size, name, owner_of(name)};
            }
        std::sort(all_, all_ + count_);
    }

    static bool starts(std::string_view text, std::string_view with)
    {
        return text.substr(0, with.size()) == with;
    }

    /// From the mangled name, for a demangled one begins with the return type.
    static owner owner_of(std::string_view name)
    {
        if (!starts(name, "_Z"))
            return starts(name, "__wrap_") ? owner::caller : owner::other;
        name.remove_prefix(2);
        if (starts(name, "Th") || starts(name, "Tv")) // the entry of a virtual function
            name.remove_prefix(std::min(name.find('_'), name.size() - 1) + 1);
        while (starts(name, "Z")) // a function inside another
            name.remove_prefix(1);
        if (starts(name, "nw") || starts(name, "na") || starts(name, "St"))
            return owner::caller;
        if (!starts(name, "N"))
            return owner::other;
        name.remove_prefix(1);
        while (!name.empty() && std::string_view("rVKRO").find(name.front()) != name.npos)
            name.remove_prefix(1);
        for (const std::string_view mine :
             {"St", "Sa", "Ss", "12_GLOBAL__N_15failsEv", "12_GLOBAL__N_18allocateEm", "9__gnu_cxx",
              "5boost4asio11aligned_new", "5boost4asio6detail16thread_info_base",
              "5boost4asio19recycling_allocator", "5boost4asio6detail20awaitable_frame_base",
              "5boost4asio6detail15awaitable_frame",
              "4weir6detail12_GLOBAL__N_116inline_allocator"})
            if (starts(name, mine))
                return owner::caller;
        if (starts(name, "4weir3sim") || starts(name, "4weir4test"))
            return owner::other;
        return starts(name, "4weir") ? owner::library : owner::other;
    }

    function* all_ = nullptr;
    std::size_t count_ = 0;
};

const symbols& functions()
{
    static const symbols all;
    return all;
}

struct walk {
    owner found = owner::other; // also below what has no name
    std::array<const function*, 12> stack{};
    std::size_t depth = 0;
};

_Unwind_Reason_Code look(_Unwind_Context* frame, void* to)
{
    walk& w = *static_cast<walk*>(to);
    const function* const here = functions().find(_Unwind_GetIP(frame) - 1);
    if (here == nullptr || here->its == owner::caller) // a container in a shared library, too
        return _URC_NO_REASON;
    w.found = here->its;
    return _URC_END_OF_STACK;
}

_Unwind_Reason_Code keep(_Unwind_Context* frame, void* to)
{
    walk& w = *static_cast<walk*>(to);
    const function* const here = functions().find(_Unwind_GetIP(frame) - 1);
    if (here != nullptr && here->its == owner::library && w.depth < w.stack.size())
        w.stack[w.depth++] = here;
    return _URC_NO_REASON;
}

std::atomic<long> held{0};

constinit thread_local bool counting = false;
constinit thread_local failing rule = failing::none;
constinit thread_local std::size_t rule_at = 0;
constinit thread_local std::size_t own = 0;
constinit thread_local std::size_t failed = 0;
constinit thread_local std::size_t others = 0;
constinit thread_local walk first;

bool fails() noexcept
{
    if (!counting)
        return false;
    counting = false; // what unwinds may allocate
    walk here;
    _Unwind_Backtrace(look, &here);
    bool now = false;
    if (here.found != owner::library) {
        ++others;
    } else {
        now = rule == failing::one ? own == rule_at : rule == failing::all_from && own >= rule_at;
        ++own;
        if (now && failed++ == 0) {
            first = walk();
            _Unwind_Backtrace(keep, &first);
        }
    }
    counting = true;
    return now;
}

void* counted(void* memory) noexcept
{
    if (memory != nullptr)
        held.fetch_add(1, std::memory_order_relaxed);
    return memory;
}

void* allocate(std::size_t size)
{
    void* const memory = fails() ? nullptr : counted(std::malloc(size != 0 ? size : 1));
    if (memory == nullptr)
        throw std::bad_alloc();
    return memory;
}

} // namespace

void weir::test::fail_allocations(failing which, std::size_t at)
{
    if (functions().empty())
        throw std::logic_error("this program has no symbols");
    rule = which;
    rule_at = at;
    own = failed = others = 0;
    counting = which != failing::none;
}

void weir::test::count_allocations(bool on) noexcept
{
    counting = on && rule != failing::none;
}

std::size_t weir::test::own_allocations() noexcept
{
    return own;
}

std::size_t weir::test::failed_allocations() noexcept
{
    return failed;
}

std::size_t weir::test::other_allocations() noexcept
{
    return others;
}

std::string weir::test::first_failure()
{
    std::string text;
    for (std::size_t i = 0; i < first.depth; ++i) {
        int error = 0;
        char* const name = abi::__cxa_demangle(first.stack[i]->name, nullptr, nullptr, &error);
        const std::string_view whole = name != nullptr ? name : first.stack[i]->name;
        text += "\n    " + std::string(whole.substr(0, 180));
        __real_free(name); // it was not counted
    }
    return text;
}

long weir::test::blocks_held() noexcept
{
    return held.load();
}

extern "C" void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size)
{
    return fails() ? nullptr : counted(__real_aligned_alloc(alignment, size));
}

extern "C" void __wrap_free(void* memory)
{
    if (memory != nullptr)
        held.fetch_sub(1, std::memory_order_relaxed);
    __real_free(memory);
}

void* operator new(std::size_t size)
{
    return allocate(size);
}

void operator delete(void* memory) noexcept
{
    __wrap_free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    __wrap_free(memory);
}
