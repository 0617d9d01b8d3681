#include <weir/http/detail/memory_account.hpp>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <new>

namespace weir::http::detail {
namespace {

/// Stands before each block: its size, and what keeps the block aligned for anything.
struct alignas(std::max_align_t) block_head {
    std::size_t bytes;
};

} // namespace

memory_account::~memory_account()
{
    if (whole_ != nullptr)
        whole_->give_back(used_);
}

bool memory_account::take(std::size_t bytes) noexcept
{
    if (bytes > limit_ - used_) {
        refused_ = true;
        return false;
    }
    if (whole_ != nullptr && !whole_->take(bytes)) {
        refused_by_whole_ = true;
        return false;
    }
    used_ += bytes;
    peak_ = std::max(peak_, used_);
    return true;
}

void memory_account::give_back(std::size_t bytes) noexcept
{
    assert(bytes <= used_);
    used_ -= bytes;
    if (whole_ != nullptr)
        whole_->give_back(bytes);
}

void* memory_account::allocate(void* account, std::size_t bytes) noexcept
{
    auto& of = *static_cast<memory_account*>(account);
    const std::size_t all = bytes + sizeof(block_head);
    if (all < bytes || !of.take(all))
        return nullptr;
    void* const memory = std::malloc(all);
    if (memory == nullptr) {
        of.give_back(all);
        return nullptr;
    }
    return new (memory) block_head{all} + 1;
}

void memory_account::release(void* account, void* block) noexcept
{
    if (block == nullptr)
        return;
    auto* const head = static_cast<block_head*>(block) - 1;
    static_cast<memory_account*>(account)->give_back(head->bytes);
    std::free(head);
}

} // namespace weir::http::detail
