#pragma once

#include <functional>
#include <optional>
#include <type_traits>

namespace weir::detail {

/// An item between its source and its call. An item that is a reference stays one.
template <class Item>
using stage_item = std::conditional_t<std::is_lvalue_reference_v<Item>,
                                      std::reference_wrapper<std::remove_reference_t<Item>>, Item>;

/// Takes the next item out of a source that never waits; leaves `item` empty at the end.
/// `entered()` is called when there is one, before it is taken: what taking throws is its error.
template <class Source, class Entered>
void pull_at_once(Source& source, std::optional<stage_item<typename Source::item_type>>& item,
                  Entered entered)
{
    if (!source.ready())
        return;
    entered();
    item.emplace(source.take());
}

} // namespace weir::detail
